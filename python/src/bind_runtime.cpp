#include <dlfcn.h>

#include <thread>

#include <graphbit/runtime/log.hpp>

#include "bindings.hpp"
#include "call_arguments.hpp"
#include "client_handle.hpp"
#include "gil.hpp"
#include "kept_answers.hpp"
#include "log_queue.hpp"
#include "loop_bridge.hpp"
#include "process_runtime.hpp"
#include "python_callable.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

/// Which allocator serves this process, asked of the process itself.
const char* memory_allocator() {
  return dlsym(RTLD_DEFAULT, "mallctl") != nullptr ? "jemalloc" : "system";
}

py::dict runtime_info() {
  const auto home = process_runtime::instance().current();
  py::dict info;
  if (home == nullptr) {
    const runtime_options planned = resolved(process_runtime::instance().options());
    info["runtime_worker_threads"] = planned.worker_threads;
    info["runtime_max_blocking_threads"] = planned.max_blocking_threads;
    return info;
  }
  const runtime_stats stats = home->stats();
  info["runtime_uptime_seconds"] = stats.uptime.count();
  info["runtime_worker_threads"] = stats.worker_threads;
  info["runtime_max_blocking_threads"] = stats.max_blocking_threads;
  info["reactors"] = stats.reactors;
  info["actors_alive"] = stats.actors_alive;
  info["blocking_threads"] = stats.blocking_threads;
  info["blocking_queue"] = stats.blocking_queue;
  info["thread_stack_size_bytes"] = stats.thread_stack_bytes;
  const client_totals totals = totals_of_clients();
  info["in_flight"] = totals.in_flight;
  info["open_connections"] = totals.open_connections;
  return info;
}

/// Sets one field unless the argument is None.
template <class Field>
void set_count(Field& field, py::handle value, const char* name) {
  if (const auto count = optional_unsigned_argument(value, name))
    field = static_cast<Field>(*count);
}

void configure(py::handle worker_threads, py::handle max_blocking_threads,
               py::handle thread_stack_size_mb, py::handle reactors, py::handle keep_alive_s,
               py::handle name_prefix, py::handle enable_blocking_pool) {
  runtime_options options = process_runtime::instance().options();
  set_count(options.worker_threads, worker_threads, "worker_threads");
  set_count(options.max_blocking_threads, max_blocking_threads, "max_blocking_threads");
  set_count(options.reactors, reactors, "reactors");
  if (const auto megabytes =
          optional_unsigned_argument(thread_stack_size_mb, "thread_stack_size_mb"))
    options.thread_stack_bytes = *megabytes * 1024 * 1024;
  if (const auto keep_alive = optional_seconds_argument(keep_alive_s, "thread_keep_alive_s"))
    options.thread_keep_alive = *keep_alive;
  if (auto prefix = optional_text_argument(name_prefix, "thread_name_prefix"))
    options.thread_name_prefix = std::move(*prefix);
  if (const auto pool = optional_bool_argument(enable_blocking_pool, "enable_blocking_pool"))
    options.enable_blocking_pool = *pool;
  process_runtime::instance().set_options(std::move(options));
}

void end_at_exit() {
  constexpr milliseconds patience{2'000};
  begin_interpreter_exit();
  process_runtime::instance().shutdown_at_exit(patience);
}

/// The parent's threads are gone, and with them whoever held one of our locks.
void after_fork_in_child() {
  forget_parents_threads();
  forget_parents_references();
  log_queue::instance().renew();
  loop_bridge::forget_all();
  renew_kept_answers();
  process_runtime::instance().leak_parents();
}

}  // namespace

void bind_runtime(py::module_& module) {
  module.attr("VERSION") = GRAPHBIT_VERSION;
  module.attr("BUILD_PROFILE") = GRAPHBIT_BUILD_PROFILE;
  module.attr("BUILD_TARGET") = GRAPHBIT_BUILD_TARGET;
  module.def("memory_allocator", &memory_allocator);
  // For the classes that are pure Python: the same strictness as here.
  module.def("text_argument", &text_argument);
  module.def("texts_argument", &texts_argument);
  module.def("signed_argument", &signed_argument);
  module.def("unsigned_argument", &unsigned_argument);
  module.def("optional_bool_argument", [](py::handle value, const char* name) {
    return optional_bool_argument(value, name).value_or(false);
  });
  module.def("check_init_arguments", [](py::handle level, py::handle tracing, py::handle debug) {
    static_cast<void>(optional_text_argument(level, "log_level"));
    static_cast<void>(optional_bool_argument(tracing, "enable_tracing"));
    static_cast<void>(optional_bool_argument(debug, "debug"));
  });
  module.def("set_log_level", [](const std::string& name) { set_log_level(log_level_from(name)); });
  module.def("set_default_timeout", [](py::handle timeout_s) {
    set_default_timeout(optional_seconds_argument(timeout_s, "default_timeout_s"));
  });
  module.def("start_runtime", [] { static_cast<void>(process_runtime::instance().acquire()); });
  module.def("runtime_started", [] { return process_runtime::instance().current() != nullptr; });
  module.def("runtime_info", &runtime_info);
  module.def("configure_runtime", &configure);
  module.def("keep_answers", [](py::handle path, py::handle bytes_max) {
    keep_answers_in(path.is_none() ? std::nullopt : std::optional(path_argument(path, "path")),
                    *optional_unsigned_argument(bytes_max, "max_bytes"));
  });
  module.def("shutdown", [](double patience_s) {
    process_runtime::instance().shutdown(
        std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(patience_s)));
  });
  // Runs late: what users registered after this import still finds a runtime.
  py::module_::import("atexit").attr("register")(py::cpp_function(&end_at_exit));
  py::module_::import("os").attr("register_at_fork")(py::arg("after_in_child") =
                                                         py::cpp_function(&after_fork_in_child));
}

}  // namespace graphbit::python
