#include "limit_leaser.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

using duty = policy::share_holder::duty;

constexpr std::size_t stack_bytes = 1024 * 1024;
constexpr seconds join_again_after{1};

[[nodiscard]] bool any(const policy::limiter_settings& limits) {
  return limits.in_flight_max != 0 || limits.requests_per_minute != 0 ||
         limits.tokens_per_minute != 0;
}

}  // namespace

limit_leaser::~limit_leaser() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t limit_leaser::hold(shared_limit limit, listener tell) {
  const std::lock_guard guard(mutex_);
  auto held = std::make_shared<held_limit>();
  held->what = std::move(limit);
  held->tell = std::move(tell);
  held->used_at = steady_clock::now();
  held_[++last_id_] = std::move(held);
  if (!thread_.joinable()) thread_.start("graphbit-limits", stack_bytes, [this] { thread_main(); });
  return last_id_;
}

void limit_leaser::limits_are(std::uint64_t id, const policy::limiter_settings& limits) {
  const std::lock_guard guard(mutex_);
  if (const auto found = held_.find(id); found != held_.end()) found->second->limits = limits;
  news_ = true;
  changed_.notify_all();
}

void limit_leaser::used(std::uint64_t id, const policy::limiter_settings& use) {
  const std::lock_guard guard(mutex_);
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  found->second->use = use;
  auto& used_at = found->second->used_at;
  const auto before = std::exchange(used_at, steady_clock::now());
  if (used_at - before < policy::share_holder::idle_after / 2) return;  // nobody thinks it idle
  news_ = true;
  changed_.notify_all();
}

void limit_leaser::drop(std::uint64_t id) {
  const std::lock_guard guard(mutex_);
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  found->second->dropped = true;
  news_ = true;
  changed_.notify_all();
}

void limit_leaser::thread_main() {
  std::unique_lock guard(mutex_);
  while (!ending_) {
    news_ = false;
    const auto all = held_;
    guard.unlock();
    auto wake_at = never;
    for (const auto& [id, held] : all) wake_at = std::min(wake_at, attend(*held));
    guard.lock();
    std::erase_if(held_,
                  [](const auto& entry) { return entry.second->dropped && !entry.second->holder; });
    const auto awaited = [this] { return news_ || ending_; };
    if (wake_at == never)
      changed_.wait(guard, awaited);
    else
      changed_.wait_until(guard, wake_at, awaited);
  }
  const auto all = std::exchange(held_, {});
  guard.unlock();
  for (const auto& [id, held] : all)
    if (!held->in_trouble) give_back(*held);
}

time_point limit_leaser::attend(held_limit& held) {
  policy::limiter_settings limits, use;
  time_point used_at;
  {
    const std::lock_guard guard(mutex_);
    if (held.dropped) held.limits = {};
    limits = held.limits;
    used_at = held.used_at;
    use = held.use;
  }
  if (!any(limits)) {
    give_back(held);
    held.holder.reset();
    return never;
  }
  if (!introduced(held)) return held.join_at;
  held.holder->set_limits(limits);
  held.holder->used(used_at, use);
  for (;;) {
    const auto next = held.holder->next(steady_clock::now());
    if (next == duty::none) return held.holder->due_at();
    carry_out(held, next);
  }
}

// Once per limit: the authority gives this holder a number of its own, and the key under which the
// limit's name is hashed.
bool limit_leaser::introduced(held_limit& held) {
  if (held.holder) return true;
  const auto now = steady_clock::now();
  if (now < held.join_at) return false;
  held.join_at = now + join_again_after;
  const auto hash_key = held.what.authority->hash_key();
  const auto epoch =
      hash_key ? held.what.authority->join() : expected<std::uint64_t>(fail(hash_key.error()));
  if (!epoch) {
    complain(held, epoch.error());
    return false;
  }
  held.name = limit_name(*hash_key, held.what.endpoint, held.what.model, held.what.key);
  held.holder.emplace(*epoch, policy::limiter_settings{}, now);
  return true;
}

void limit_leaser::carry_out(held_limit& held, duty what) {
  if (what == duty::ask) return ask(held);
  if (what == duty::give_back) return give_back(held);
  held.tell({held.holder->share(), true});
}

void limit_leaser::ask(held_limit& held) {
  const auto request = held.holder->request(steady_clock::now());
  const auto share = held.what.authority->lease(held.name, request);
  const auto now = steady_clock::now();
  if (!share) {
    held.holder->failed(now);
    return complain(held, share.error());
  }
  if (std::exchange(held.in_trouble, false))
    log(log_level::info, "limits", "shares of the provider's limits are leased again");
  held.holder->answered(*share, now);
  held.tell({held.holder->share(), false});
}

void limit_leaser::give_back(held_limit& held) {
  if (!held.holder) return;
  const auto now = steady_clock::now();
  if (held.holder->held_token() != 0) {
    const auto done = held.what.authority->give_back(held.name, held.holder->to_return(now));
    if (!done) complain(held, done.error());  // it ends by itself
    held.holder->given_back(now);
    held.tell({held.holder->share(), false});
  }
}

void limit_leaser::complain(held_limit& held, const error& why) {
  if (std::exchange(held.in_trouble, true)) return;
  log(log_level::warn, "limits",
      "no share of the limits of " + held.what.endpoint + " " + held.what.model +
          " can be leased: " + why.message +
          "; calls wait from the end of the present share until their authority answers");
}

}  // namespace graphbit
