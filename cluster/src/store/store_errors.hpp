#pragma once

#include <string>

#include <graphbit/actors/run_store.hpp>

namespace graphbit {

/// The errors that all stores give in the same words.
[[nodiscard]] error no_such_run(const std::string& run_id, const std::string& store);
[[nodiscard]] error run_has_ended(const stored_run& run);
[[nodiscard]] error run_is_held(const stored_run& run, wall_time now);

}  // namespace graphbit
