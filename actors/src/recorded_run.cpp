#include "src/recorded_run.hpp"

#include <utility>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

expected<std::vector<journal_record>> all_records(run_store& store, const std::string& run_id) {
  std::vector<journal_record> all;
  for (std::uint64_t after = 0;;) {
    auto more = store.records(run_id, after, 1'000);
    if (!more) return fail(more.error());
    if (more->empty()) return all;
    after = more->back().id;
    for (journal_record& record : *more) all.push_back(std::move(record));
  }
}

expected<workflow> readable_workflow(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return fail(document.error());
  return workflow::from_json(*document, [](const std::string& name) {
    return callable{name, [](const json_value&) -> expected<json_value> { return json_value(); }};
  });
}

}  // namespace graphbit
