#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace graphbit::cluster {

/// "HOST-PID": who a process is to its peers unless it was given a name.
[[nodiscard]] inline std::string own_name() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return std::string(host) + "-" + std::to_string(getpid());
}

/// A number that grows from start to start: milliseconds since 1970. Should the clock have gone
/// back, the others' memory corrects it (`membership::merge`).
[[nodiscard]] inline std::uint64_t incarnation_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace graphbit::cluster
