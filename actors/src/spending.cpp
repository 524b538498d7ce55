#include <graphbit/actors/spending.hpp>

#include <cstdio>

namespace graphbit {

namespace {

constexpr auto resource = "budget";

[[nodiscard]] std::string dollars(double amount) {
  char text[32];
  std::snprintf(text, sizeof text, "$%.4f", amount);
  return text;
}

}  // namespace

std::shared_ptr<call_budget> call_budget::within(std::shared_ptr<call_budget> parent,
                                                 const budget_limits& limits) {
  if (!limits.any()) return parent;
  return std::make_shared<call_budget>(limits, std::move(parent));
}

std::optional<error> call_budget::refusal() const {
  if (limits_.max_cost && cost() >= *limits_.max_cost)
    return resource_error(resource, "the budget of " + dollars(*limits_.max_cost) + " is spent (" +
                                        dollars(cost()) + "); raise max_cost to go on");
  if (limits_.max_total_tokens && tokens() >= *limits_.max_total_tokens)
    return resource_error(resource, "the budget of " + std::to_string(*limits_.max_total_tokens) +
                                        " tokens is spent (" + std::to_string(tokens()) +
                                        "); raise max_total_tokens to go on");
  return parent_ ? parent_->refusal() : std::nullopt;
}

void call_budget::book(double cost, std::uint64_t tokens) noexcept {
  cost_.fetch_add(cost, std::memory_order_relaxed);
  tokens_.fetch_add(tokens, std::memory_order_relaxed);
  if (parent_) parent_->book(cost, tokens);
}

bool is_over_budget(const error& e) noexcept {
  return e.kind == error_kind::resource_exhausted && e.resource_type == resource;
}

}  // namespace graphbit
