#include <graphbit/actors/run_store.hpp>

#include <algorithm>
#include <array>

namespace graphbit {

namespace {

constexpr std::array<std::string_view, 6> names{"running",   "parked", "paused",
                                                "completed", "failed", "cancelled"};

}  // namespace

std::string_view to_string(stored_state state) noexcept {
  return names[static_cast<std::size_t>(state) - 1];
}

std::optional<stored_state> stored_state_from(std::string_view name) noexcept {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<stored_state>(found - names.begin() + 1);
}

bool is_ended(stored_state state) noexcept {
  return state == stored_state::completed || state == stored_state::failed ||
         state == stored_state::cancelled;
}

expected<claimed_run> run_store::begin(const run_to_begin& run, const run_lease& lease) {
  auto begun = begin_all({&run, 1}, lease);
  if (!begun) return fail(std::move(begun.error()));
  return std::move(begun->front());
}

}  // namespace graphbit
