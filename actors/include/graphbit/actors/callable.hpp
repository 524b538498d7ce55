#pragma once

#include <functional>
#include <string>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// A function of the user's that a workflow calls: a tool, a transform or a condition.
struct callable {
  std::string name;  ///< shown in errors and metadata; how a workflow file refers to it
  /// `arguments` is an object: a tool's arguments, or what `condition_spec` and `transform_spec`
  /// say.
  std::function<expected<json_value>(const json_value& arguments)> call;
  /// True: runs on `runtime::blocking()` (Python, files, sleeping). False: runs on the reactor
  /// itself and must end within microseconds.
  bool blocking = true;
  /// Gives up waiting after this long; what still runs is abandoned. 0: no limit of its own.
  milliseconds timeout{0};

  /// Whether there is a function in it.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(call); }
};

/// The call of a callable that this thread carries out right now.
struct callable_call {
  /// The same whenever this very call is made again after a crash, so that an effect outside can be
  /// made once; empty outside durable runs.
  std::string key;
  bool recorded = false;  ///< what it gives is kept, so it must be JSON
};
/// Empty on a thread that carries out none.
[[nodiscard]] const callable_call& current_callable_call() noexcept;

/// Finds the callable that a workflow file names; an empty callable where there is none.
using callable_lookup = std::function<callable(const std::string& name)>;

}  // namespace graphbit
