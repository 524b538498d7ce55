#include "kept_answers.hpp"

#include <memory>
#include <utility>

#include <graphbit/actors/response_cache.hpp>
#include <graphbit/cluster/sqlite_answer_store.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "error_translation.hpp"
#include "gil.hpp"
#include "process_runtime.hpp"

namespace graphbit::python {

namespace {

// Never destroyed: threads may still run when the process ends.
std::shared_ptr<answer_store>& store() {
  static auto* const only = new std::shared_ptr<answer_store>;
  return *only;
}

}  // namespace

void keep_answers_in(const std::optional<std::string>& path, std::uint64_t bytes_max) {
  const auto wanted = path ? sqlite_answer_store(*path, bytes_max) : nullptr;
  const auto home = process_runtime::instance().current();
  unwrap(without_gil([&]() -> expected<void> {
    if (home) return home->service<response_cache>()->keep_in(wanted);
    return wanted ? wanted->open() : expected<void>{};
  }));
  store() = wanted;
}

void bring_kept_answers(runtime& home) {
  if (!store()) return;
  if (const auto kept = home.service<response_cache>()->keep_in(store()); !kept)
    log(log_level::error, "python", describe(kept.error()));
}

}  // namespace graphbit::python
