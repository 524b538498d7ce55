#pragma once

#include <string>
#include <vector>

#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

/// One thing that was looked at, in words, with the number that decided it.
struct health_check {
  std::string name;  ///< of what was looked at
  bool ok = true;    ///< as it should be
  /// A problem that waiting or a restart may mend makes a process unready; without `fatal` it is
  /// still alive.
  bool fatal = false;
  std::string says;  ///< in words, for a person
  double value = 0;  ///< what was measured
  double limit = 0;  ///< what it was held against
};

/// What all checks found.
struct health_report {
  std::vector<health_check> checks;  ///< in the order in which they were made
  /// Alive: no fatal check failed. `/healthz`.
  [[nodiscard]] bool healthy() const;
  /// Worth sending work to: no check failed. `/readyz`.
  [[nodiscard]] bool ready() const;
};
/// {"healthy", "ready", "problems": [words], "checks": [{"name", "ok", "says", "value", "limit"}]}.
[[nodiscard]] json_value to_json(const health_report& report);

/// Looks at memory, file descriptors, each reactor's answer, the blocking pool's queue and each
/// provider's circuit breaker. Takes at most about 1.5 s, where a reactor is stuck.
/// Any thread but a reactor's.
[[nodiscard]] health_report check_health(runtime& rt);

}  // namespace graphbit
