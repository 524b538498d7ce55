#pragma once

#include <cstdint>
#include <string>

#include <graphbit/net/simulator.hpp>

#include "conversation.hpp"
#include "script.hpp"

namespace graphbit::sim {

/// Says what the model would: by the script's rule, else a tool call where one is required (or the
/// prompt names a tool), else JSON that fits the wanted schema, else a text made of the prompt's
/// words. Depends on question, rule, behaviour and `id` alone.
[[nodiscard]] answer compose(const question& asked, const script_rule* rule, const behaviour& how,
                             std::string id);

}  // namespace graphbit::sim
