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

struct place {
  std::string path;
  std::uint64_t bytes_max = 0;
  std::shared_ptr<answer_store> store;  // nullptr: in memory alone
};

// Never destroyed: threads may still run when the process ends.
place& chosen() {
  static auto* only = new place;
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
  chosen() = {path.value_or(""), bytes_max, wanted};
}

void bring_kept_answers(runtime& home) {
  if (!chosen().store) return;
  if (const auto kept = home.service<response_cache>()->keep_in(chosen().store); !kept)
    log(log_level::error, "python", describe(kept.error()));
}

void renew_kept_answers() {
  auto& now = chosen();
  if (!now.store) return;
  static_cast<void>(new std::shared_ptr<answer_store>(std::move(now.store)));
  now.store = sqlite_answer_store(now.path, now.bytes_max);
}

}  // namespace graphbit::python
