#pragma once

#include <graphbit/net/provider_config.hpp>

namespace graphbit::cluster {

/// The configuration without its key and without headers that carry one, its routes' included: what
/// travels unless keys were asked to.
[[nodiscard]] provider_config without_credentials(provider_config config);

/// The configuration with the key of this process's environment, where the provider has a variable
/// for one. Only for the provider's own address, or the one that this process's environment names
/// for it: an owner must not be able to have a member's key sent elsewhere.
[[nodiscard]] provider_config with_own_key(provider_config config);

}  // namespace graphbit::cluster
