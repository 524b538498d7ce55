#include <graphbit/actors/policy/route.hpp>

#include <algorithm>
#include <numeric>

#include <graphbit/runtime/random.hpp>

namespace graphbit::policy {

namespace {

// FNV-1a over the session's name and the target's number: rendezvous hashing, so that only the
// sessions of a target that is taken away move.
[[nodiscard]] std::uint64_t score(std::string_view session, std::size_t target) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : session) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return random_source(hash + target).next();
}

}  // namespace

std::vector<std::size_t> route_order(route_strategy strategy, std::span<const route_target> targets,
                                     std::uint64_t turn, std::string_view session) {
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto by = [&](auto key) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  };
  // Equals take turns, or the first of them would get everything.
  if (strategy != route_strategy::fallback && strategy != route_strategy::session && !order.empty())
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(turn % order.size()),
                order.end());
  switch (strategy) {
    case route_strategy::fallback:
    case route_strategy::round_robin:
      break;
    case route_strategy::least_busy:
      by([&](std::size_t i) { return targets[i].busy; });
      break;
    case route_strategy::lowest_latency:
      by([&](std::size_t i) { return targets[i].latency_ms; });
      break;
    case route_strategy::cheapest:
      by([&](std::size_t i) { return targets[i].price; });
      break;
    case route_strategy::session:
      by([&](std::size_t i) { return score(session, i); });
      break;
  }
  by([&](std::size_t i) { return targets[i].rejecting; });
  return order;
}

bool worth_another_route(const error& failure) noexcept {
  if (failure.cancelled) return false;
  switch (failure.kind) {
    case error_kind::validation:
      return failure.status == 404;  // that provider does not have the model
    case error_kind::resource_exhausted:
      return failure.status == 413;  // another may take longer prompts
    case error_kind::configuration:
    case error_kind::runtime:
      return false;
    default:
      return true;
  }
}

}  // namespace graphbit::policy
