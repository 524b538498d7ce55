#include "credentials.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <graphbit/net/provider_environment.hpp>

namespace graphbit::cluster {

namespace {

[[nodiscard]] bool carries_a_key(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array names{"authorization", "proxy-authorization", "x-api-key",
                             "api-key",       "x-goog-api-key",      "cookie"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Addresses are compared without a slash at their end.
[[nodiscard]] std::string bare(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

template <class F>
void change_routes(provider_config& config, F change) {
  if (!config.routes) return;
  auto routes = *config.routes;
  for (auto& target : routes.targets) target = change(std::move(target));
  config.routes = std::make_shared<const provider_routes>(std::move(routes));
}

}  // namespace

provider_config without_credentials(provider_config config) {
  config.api_key = {};
  std::erase_if(config.extra_headers, [](const auto& h) { return carries_a_key(h.first); });
  change_routes(config, without_credentials);
  return config;
}

provider_config with_own_key(provider_config config) {
  change_routes(config, with_own_key);
  const auto* row = find_provider(config.provider);
  if (row == nullptr) return config;
  const auto url = bare(config.base_url);
  const bool its_own = url.empty() || url == bare(std::string(row->base_url)) ||
                       url == bare(base_url_from_environment(*row));
  if (its_own) config.api_key = key_from_environment(*row);
  return config;
}

}  // namespace graphbit::cluster
