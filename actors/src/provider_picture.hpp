#pragma once

#include <memory>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "provider_pipeline.hpp"

namespace graphbit {

/// All provider clients as the live picture shows them: an array of objects.
[[nodiscard]] json_value providers_json(
    const std::vector<std::shared_ptr<provider_pipeline>>& clients, milliseconds patience);

/// "closed", "half-open", "open".
[[nodiscard]] const char* state_word(breaker_state state) noexcept;

}  // namespace graphbit
