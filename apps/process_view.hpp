#pragma once

#include <string>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::app {

/// The picture that a process's live page shows (`/api/state`), asked for at its address:
/// "HOST:PORT" or the page's URL, with its `?token=` where it has one. Waits, 3 s at most.
/// Errors: Validation for no address, Network, Authentication{token}, Configuration where the
/// process serves metrics there and no page.
[[nodiscard]] expected<json_value> process_state(runtime& rt, const std::string& address);

/// The same for a person: runs, providers and actors, a line each.
[[nodiscard]] std::string process_table(const json_value& state);

}  // namespace graphbit::app
