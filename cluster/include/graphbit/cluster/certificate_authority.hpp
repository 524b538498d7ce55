#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// Makes a small certificate authority for one cluster: `ca.pem` and `ca.key` (mode 0600) in
/// `directory`, which is made if it is not there. Keys are EC P-256.
/// Errors: Configuration{directory} when there is an authority already or it cannot be written.
[[nodiscard]] expected<void> make_authority(const std::string& directory, const std::string& name,
                                            std::chrono::hours valid_for);

/// Makes `NAME.pem` and `NAME.key` (mode 0600) in `directory`, certified by its authority for these
/// hosts (names or addresses), usable by both sides of a connection. Replaces older ones of the
/// name. Errors: Configuration.
[[nodiscard]] expected<void> issue_certificate(const std::string& directory,
                                               const std::string& name,
                                               const std::vector<std::string>& hosts,
                                               std::chrono::hours valid_for);

}  // namespace graphbit::cluster
