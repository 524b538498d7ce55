#include "routed_client.hpp"

#include <limits>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit {

namespace {

// A broken stream is taken up again at most so often.
constexpr std::uint32_t stream_resumptions_max = 3;

}  // namespace

// One call on its way through the targets. Its attempts come one after the other, each told on the
// thread of its target's reactor; the mutex is for cancel and resume, which come from anywhere.
class routed_call final : public std::enable_shared_from_this<routed_call> {
 public:
  routed_call(std::shared_ptr<routed_client> router, pending_call_ptr pending,
              std::vector<std::size_t> order, reactor* home)
      : router_(std::move(router)),
        pending_(std::move(pending)),
        order_(std::move(order)),
        home_(home) {}

  void try_next() {
    const auto target = order_[position_];
    const bool last = position_ + 1 == order_.size();
    auto options = pending_->options;
    if (!last) options.pause_max = milliseconds{0};  // rather ask another than wait
    const auto& client = router_->target(target);
    std::uint64_t attempt = 0;
    {
      const std::lock_guard guard(mutex_);
      attempt = ++attempts_;
      current_target_ = target;
      current_ = 0;
    }
    std::uint64_t id = 0;
    if (const auto* chat = pending_->chat())
      id = client.submit(request_for(*chat), std::move(options), chat_end(), pending_->stream,
                         home_);
    else
      id = client.submit(*pending_->embedding(), std::move(options), embedding_end(), home_);
    const std::lock_guard guard(mutex_);
    if (attempt != attempts_) return;  // it has ended already, and another is out
    current_ = id;
    if (cancelled_) client.cancel(id);
  }

  void cancel() {
    const std::lock_guard guard(mutex_);
    cancelled_ = true;
    if (current_ != 0) router_->target(current_target_).cancel(current_);
  }
  void resume() {
    const std::lock_guard guard(mutex_);
    router_->target(current_target_).resume(current_);
  }

 private:
  class chat_receiver final : public chat_sink {
   public:
    explicit chat_receiver(std::shared_ptr<routed_call> call) : call_(std::move(call)) {}
    bool on_text(std::vector<std::string>& deltas) override { return call_->text_came(deltas); }
    void on_done(expected<chat_response> result) override { call_->chat_done(std::move(result)); }

   private:
    std::shared_ptr<routed_call> call_;
  };
  class embedding_receiver final : public embedding_sink {
   public:
    explicit embedding_receiver(std::shared_ptr<routed_call> call) : call_(std::move(call)) {}
    void on_done(expected<embedding_response> result) override { call_->ended(std::move(result)); }

   private:
    std::shared_ptr<routed_call> call_;
  };
  std::unique_ptr<chat_sink> chat_end() {
    return std::make_unique<chat_receiver>(shared_from_this());
  }
  std::unique_ptr<embedding_sink> embedding_end() {
    return std::make_unique<embedding_receiver>(shared_from_this());
  }

  // The request as this target gets it: its own model, and what a broken stream had said.
  [[nodiscard]] chat_request request_for(const chat_request& original) const {
    auto request = original;
    if (order_.size() > 1) request.model.clear();
    if (!said_.empty() && pending_->options.on_stream_failure == stream_failure::continue_) {
      request.messages.push_back({.role = chat_role::assistant, .text = said_});
      request.messages.push_back(
          {.role = chat_role::user,
           .text = "Your answer was cut off. Continue it exactly where it ended, without repeating "
                   "anything."});
    }
    return request;
  }

  bool text_came(std::vector<std::string>& deltas) {
    for (const auto& delta : deltas) said_ += delta;
    return pending_->text_came(deltas);
  }

  void chat_done(expected<chat_response> result) {
    if (!result && !said_.empty()) {
      if (take_up_again(result.error())) return;
      result.error().partial_text = said_;
      return finish(std::move(result));
    }
    // Text of earlier parts of a stream that was continued is part of the answer.
    if (result && taken_up_ > 0 && pending_->options.on_stream_failure == stream_failure::continue_)
      result->content = said_;
    ended(std::move(result));
  }

  [[nodiscard]] bool take_up_again(const error& failure) {
    const auto how = pending_->options.on_stream_failure;
    if (how == stream_failure::error || failure.cancelled || failure.kind == error_kind::timeout ||
        ++taken_up_ > stream_resumptions_max)
      return false;
    if (how == stream_failure::restart) {
      said_.clear();
      pending_->restarted();
    }
    position_ = (position_ + 1) % order_.size();
    try_next();
    return true;
  }

  template <class Response>
  void ended(expected<Response> result) {
    if (result) {
      router_->answered(order_[position_], result->latency_us);
      return finish(std::move(result));
    }
    const bool past_deadline = steady_clock::now() >= pending_->options.deadline_at;
    if (position_ + 1 == order_.size() || past_deadline || is_cancelled() ||
        !policy::worth_another_route(result.error()))
      return finish(std::move(result));
    log(log_level::info, "actors",
        "route " + std::to_string(order_[position_]) + " failed (" + result.error().message +
            "); trying the next");
    ++position_;
    try_next();
  }

  template <class Response>
  void finish(expected<Response> result) {
    router_->forget(pending_->id);
    if (result)
      pending_->succeed(std::move(*result));
    else
      pending_->fail_with(std::move(result.error()));
  }

  [[nodiscard]] bool is_cancelled() {
    const std::lock_guard guard(mutex_);
    return cancelled_;
  }

  std::shared_ptr<routed_client> router_;
  pending_call_ptr pending_;
  std::vector<std::size_t> order_;
  reactor* home_;
  std::size_t position_ = 0;
  std::uint32_t taken_up_ = 0;
  std::string said_;

  std::mutex mutex_;
  std::uint64_t attempts_ = 0;
  std::uint64_t current_ = 0;  // 0: being handed over
  std::size_t current_target_ = 0;
  bool cancelled_ = false;
};

expected<std::shared_ptr<routed_client>> routed_client::open(runtime& rt, provider_config config) {
  if (config.routes->targets.empty())
    return fail(configuration_error("routes", "name at least one configuration to route to"));
  std::vector<provider_client> targets;
  for (const auto& target : config.routes->targets) {
    auto opened = provider_client::open(rt, target);
    if (!opened) return fail(opened.error());
    targets.push_back(std::move(*opened));
  }
  // To its users a route is called like its first target.
  config.provider = targets.front().config().provider;
  config.model = targets.front().config().model;
  return std::make_shared<routed_client>(std::move(config), std::move(targets),
                                         rt.service<price_book>());
}

routed_client::routed_client(provider_config config, std::vector<provider_client> targets,
                             std::shared_ptr<price_book> prices)
    : config_(std::move(config)),
      targets_(std::move(targets)),
      prices_(std::move(prices)),
      latency_ms_(targets_.size()) {}

// A model without a known price is never the cheapest.
double routed_client::price_of(const provider_client& target) const {
  if (config_.routes->strategy != route_strategy::cheapest) return 0;
  const auto price = prices_->current()->find(target.config().provider, target.config().model);
  return price ? blended(*price) : std::numeric_limits<double>::infinity();
}

std::vector<std::size_t> routed_client::order(const call_options& options) {
  std::vector<policy::route_target> states;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const auto now = targets_[i].counters();
    states.push_back({now.breaker == breaker_state::open,
                      static_cast<std::size_t>(now.in_flight + now.waiting),
                      latency_ms_[i].load(std::memory_order_relaxed), price_of(targets_[i])});
  }
  return policy::route_order(config_.routes->strategy, states, turn_.fetch_add(1), options.session);
}

std::uint64_t routed_client::submit(pending_call_ptr call, reactor* home) {
  const auto id = next_call_.fetch_add(1);
  call->id = id;
  auto order_of_call = order(call->options);
  auto routed = std::make_shared<routed_call>(shared_from_this(), std::move(call),
                                              std::move(order_of_call), home);
  {
    const std::lock_guard guard(mutex_);
    calls_[id] = routed;
  }
  routed->try_next();
  return id;
}

std::shared_ptr<routed_call> routed_client::find(std::uint64_t call_id) {
  const std::lock_guard guard(mutex_);
  const auto found = calls_.find(call_id);
  return found == calls_.end() ? nullptr : found->second.lock();
}

void routed_client::cancel(std::uint64_t call_id) {
  if (const auto call = find(call_id)) call->cancel();
}

void routed_client::resume(std::uint64_t call_id) {
  if (const auto call = find(call_id)) call->resume();
}

void routed_client::forget(std::uint64_t call_id) {
  const std::lock_guard guard(mutex_);
  calls_.erase(call_id);
}

void routed_client::answered(std::size_t target, std::uint64_t latency_us) {
  auto& average = latency_ms_[target];
  const double before = average.load(std::memory_order_relaxed);
  const double now = static_cast<double>(latency_us) / 1000;
  average.store(before == 0 ? now : before * 0.8 + now * 0.2, std::memory_order_relaxed);
}

void routed_client::warm_up(std::function<void(expected<void>)> done) {
  for (std::size_t i = 1; i < targets_.size(); ++i)
    targets_[i].warm_up([](const expected<void>&) {});
  targets_.front().warm_up(std::move(done));
}

void routed_client::set_limits(const limits_change& to) {
  for (const auto& target : targets_)
    target.set_limits(to.in_flight_max, to.requests_per_minute, to.tokens_per_minute);
}

namespace {

[[nodiscard]] provider_client_stats sum_of(const std::vector<provider_client_stats>& all) {
  provider_client_stats sum;
  bool all_open = true;
  for (const auto& s : all) {
    sum += s;
    sum.breaker_failures += s.breaker_failures;
    all_open = all_open && s.breaker == breaker_state::open;
  }
  sum.breaker = all_open ? breaker_state::open : breaker_state::closed;
  return sum;
}

}  // namespace

provider_client_stats routed_client::stats() const {
  std::vector<provider_client_stats> all;
  for (const auto& target : targets_) all.push_back(target.stats());
  return sum_of(all);
}

provider_client_stats routed_client::counters() const {
  std::vector<provider_client_stats> all;
  for (const auto& target : targets_) all.push_back(target.counters());
  return sum_of(all);
}

reactor& routed_client::home_of_this_thread() const { return targets_.front().home(); }

}  // namespace graphbit
