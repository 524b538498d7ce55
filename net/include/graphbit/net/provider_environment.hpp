#pragma once

#include <map>
#include <string>

#include <graphbit/net/provider_config.hpp>

// What the environment says of a provider, by the variables that its official clients read.
namespace graphbit {

/// Its key; empty: none.
[[nodiscard]] secret key_from_environment(const provider_row& row);
/// The variables of `key_from_environment`, the first that is set holds: "A or B"; "": no key.
[[nodiscard]] std::string key_variables(const provider_row& row);
/// Where it is, in our form of a base URL; empty: not said.
[[nodiscard]] std::string base_url_from_environment(const provider_row& row);
/// What goes into `provider_config::parameters` beside the key (organization, API version).
[[nodiscard]] std::map<std::string, std::string> parameters_from_environment(
    const provider_row& row);

}  // namespace graphbit
