#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <graphbit/net/simulator.hpp>

#include "conversation.hpp"
#include "script.hpp"
#include "wire.hpp"

namespace graphbit::sim {

using outcome = tl::expected<reply, refusal>;

/// Everything an endpoint may look at.
struct scene {
  const http_server_request& request;
  const json& body;  ///< an object, or null for requests without one
  const behaviour& how;
  script& rules;
  const wire& family;
  std::string id;                            ///< for whatever the answer names; unique
  std::optional<std::uint64_t> prompt_hash;  ///< set by endpoints that a model would answer
};

/// One path of a provider's API.
struct endpoint {
  std::string_view method;
  std::string_view path_end;  ///< the request's path ends with it; the first that fits is taken
  const wire& (*family)();
  outcome (*answer)(scene&);
};

/// The endpoint of a path, or nullptr.
[[nodiscard]] const endpoint* find_endpoint(std::string_view method, std::string_view path);

}  // namespace graphbit::sim
