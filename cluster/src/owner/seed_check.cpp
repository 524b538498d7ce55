#include "seed_check.hpp"

#include "src/peer/link_system.hpp"

namespace graphbit::cluster {

expected<void> check_seeds(const std::vector<std::string>& seeds,
                           const certificate_files& certificates) {
  if (seeds.empty())
    return fail(configuration_error("seeds", "name at least one member, as HOST:PORT"));
  for (const auto& seed : seeds) {
    const auto where = parse_endpoint(seed);
    if (!where) return fail(configuration_error("seeds", where.error().message));
    if (!certificates.any() && !is_loopback(where->host))
      return fail(configuration_error(
          "seeds", seed +
                       " is not on this machine: members beyond loopback need mutual TLS, so give "
                       "ca, cert and key (`graphbit certs` makes them)"));
  }
  return {};
}

}  // namespace graphbit::cluster
