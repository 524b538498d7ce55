// Records of durable runs from a database that somebody else may have written: reading never goes
// wrong, and what was read can be written and read again to the same bytes. The first byte chooses
// the kind of record.
#include <array>
#include <string>
#include <vector>

#include <graphbit/runtime/json_value.hpp>

#include "fuzz/require.hpp"
#include "src/record_json.hpp"
#include "src/run_replay.hpp"
#include "src/store/stored_value.hpp"

namespace {

using namespace graphbit;
using graphbit::fuzz::require;

const run_calendar calendar(std::chrono::system_clock::time_point(std::chrono::hours(500'000)),
                            time_point(std::chrono::hours(10)));

std::string node_again(const json_value& body) {
  node_result node;
  read_node_body(body, calendar, node);
  return node_body(node, calendar);
}

/// `again` reads a body and writes what it has read.
template <class Again>
void settles(const json_value& body, const Again& again) {
  const std::string first = again(body);
  const auto parsed = parse_json(first);
  require(parsed.has_value(), "a record is JSON");
  require(again(*parsed) == first, "a record survives being read and written");
}

void replay(std::uint8_t seed, const std::string& text) {
  std::vector<journal_record> records;
  std::uint64_t id = 0;
  for (std::size_t at = 0; at + 2 < text.size() && id < 64; at += 8) {
    journal_record r;
    r.id = ++id;
    r.kind = static_cast<journal_kind>(1 + (seed + static_cast<std::uint8_t>(text[at])) % 12);
    r.key = text.substr(at + 1, 1);
    r.body = text.substr(at + 2);
    records.push_back(std::move(r));
  }
  run_replay known(records);
  for (const journal_record& r : records) {
    known.forget(r.key);
    require(known.node(r.key) == nullptr, "what is forgotten counts no longer");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  replay(data[0], text);
  static_cast<void>(read_blob("hash", data[0] % 3, data[0] * 16, text));
  const auto body = parse_json(text);
  if (!body) return 0;
  switch (data[0] % 4) {
    case 0:
      settles(*body, node_again);
      break;
    case 1:
      static_cast<void>(read_call_body(*body));
      break;
    case 2:
      settles(*body, [](const json_value& b) { return tool_body(read_tool_body(b)); });
      break;
    default:
      settles(*body, [](const json_value& b) { return error_body(read_error(b)); });
  }
  return 0;
}
