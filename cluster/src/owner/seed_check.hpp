#pragma once

#include <string>
#include <vector>

#include <graphbit/cluster/identity.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// Seeds can be read, and beyond this machine's loopback there are certificates.
/// Error: Configuration{seeds}.
[[nodiscard]] expected<void> check_seeds(const std::vector<std::string>& seeds,
                                         const certificate_files& certificates);

}  // namespace graphbit::cluster
