#include "process_runtime.hpp"

#include <utility>

#include <graphbit/runtime/log.hpp>

#include "error_translation.hpp"
#include "gil.hpp"
#include "kept_answers.hpp"
#include "limits_in_force.hpp"
#include "prices_in_force.hpp"

namespace graphbit::python {

runtime_user::runtime_user() { process_runtime::instance().users_.insert(this); }

runtime_user::~runtime_user() { process_runtime::instance().users_.erase(this); }

process_runtime::process_runtime() { options_.thread_name_prefix = "graphbit-py"; }

process_runtime& process_runtime::instance() {
  // Never destroyed: threads may still run when the process ends.
  static auto* const only = new process_runtime;
  return *only;
}

std::shared_ptr<runtime> process_runtime::acquire() {
  if (runtime_ != nullptr) return runtime_;
  auto made = std::make_shared<runtime>(options_);
  bring_prices(*made);
  bring_kept_answers(*made);
  unwrap(bring_limits(*made));
  runtime_ = std::move(made);
  // Being looked at is not worth a failure of the work: `init` raises, later starts log.
  if (const auto started = observed_.start(*runtime_); !started)
    log(log_level::error, "python", describe(started.error()));
  return runtime_;
}

std::shared_ptr<runtime> process_runtime::release() {
  if (runtime_ == nullptr) return nullptr;
  observed_.stop();
  for (runtime_user* user : users_) user->release_handles();
  return std::exchange(runtime_, nullptr);
}

void process_runtime::shutdown(milliseconds patience) {
  auto ending = release();
  if (ending == nullptr) return;
  without_gil([&] {
    ending->shutdown(patience);
    ending.reset();
    return 0;
  });
}

void process_runtime::shutdown_at_exit(milliseconds patience) {
  const auto ending = release();
  if (ending == nullptr) return;
  static_cast<void>(new std::shared_ptr<runtime>(ending));  // a destructor would wait for more
  without_gil([&] {
    ending->shutdown(patience);
    return 0;
  });
}

void process_runtime::leak_parents() noexcept {
  observed_.leak();
  for (runtime_user* user : users_) user->leak_handles();
  static_cast<void>(new std::shared_ptr<runtime>(std::move(runtime_)));
  runtime_ = nullptr;
}

}  // namespace graphbit::python
