#include "shared_limit.hpp"

#include <string>
#include <utility>

#include "cluster_world.hpp"

namespace graphbit::sim {

namespace {

constexpr duration share_lasts = seconds(10);
constexpr duration look_every = milliseconds(250);
constexpr duration answer_patience = seconds(2);

}  // namespace

shared_limit::shared_limit(timeline& time, random_source& random, std::size_t members)
    : time_(time), random_(random) {
  limits_.requests_per_minute = static_cast<std::uint32_t>(30 + random_.below(300));
  for (std::size_t i = 0; i < members; ++i) {
    auto& s = *sharers_.emplace_back(std::make_unique<sharer>());
    s.clock_offset = seconds(random_.below(100'000));
    s.clock_speed = 0.9999 + 0.0002 * random_.uniform();  // quartz
    time_.in(milliseconds(random_.below(250)), [this, i] { tick(i); });
  }
}

time_point shared_limit::local(const sharer& s) const {
  const auto since = time_.now().time_since_epoch();
  return time_point{} + s.clock_offset +
         std::chrono::duration_cast<duration>(since * s.clock_speed);
}

void shared_limit::start(std::size_t member) {
  auto& s = *sharers_[member];
  s.holder.emplace(++epochs_, limits_, local(s));
  s.calls = policy::limiter();
  s.calls.configure_share(limits_, local(s));  // nothing goes before there is a share
  s.awaited = 0;
}

void shared_limit::crash(std::size_t member) {
  auto& s = *sharers_[member];
  s.holder.reset();
  s.waiting.clear();
  s.awaited = 0;
}

void shared_limit::cut_off(std::size_t member, duration lasts) {
  sharers_[member]->cut_off_until = time_.now() + lasts;
}

void shared_limit::call(std::size_t member, std::function<bool()> is_wanted,
                        std::function<void()> send) {
  auto& s = *sharers_[member];
  s.waiting.push_back({std::move(is_wanted), std::move(send)});
  pump(s);
}

void shared_limit::tick(std::size_t member) {
  auto& s = *sharers_[member];
  if (s.holder) {
    if (!s.waiting.empty()) s.holder->used(local(s), s.calls.used(local(s)));
    do_duties(s);
    pump(s);
  }
  time_.in(look_every, [this, member] { tick(member); });
}

void shared_limit::do_duties(sharer& s) {
  using duty = policy::share_holder::duty;
  for (auto what = s.holder->next(local(s)); what != duty::none; what = s.holder->next(local(s))) {
    if (what == duty::ask) {
      ask(s);
    } else if (what == duty::give_back) {
      if (time_.now() >= s.cut_off_until)
        store_.give_back(s.holder->to_return(local(s)), time_.now());
      s.holder->given_back(local(s));
      s.calls.configure_share(s.holder->share().amount, s.holder->share().ends_at);
    }
  }
}

void shared_limit::ask(sharer& s) {
  const auto request = s.holder->request(local(s));
  const auto exchange = s.awaited = ++exchanges_;
  time_.in(answer_patience, [this, &s, exchange] {
    if (s.awaited != exchange) return;
    s.awaited = 0;
    s.holder->failed(local(s));
  });
  if (time_.now() < s.cut_off_until) return;
  const auto share = store_.lease(request, share_lasts, time_.now());
  if (random_.below(20) == 0) return;  // the answer is lost
  time_.in(milliseconds(random_.below(random_.below(10) == 0 ? 4'000 : 50)),
           [this, &s, exchange, share] {
             if (s.awaited == exchange) answered(s, share);
           });
}

void shared_limit::answered(sharer& s, const policy::limit_share& share) {
  s.awaited = 0;
  s.holder->answered(share, local(s));
  s.calls.configure_share(s.holder->share().amount, s.holder->share().ends_at);
  pump(s);
}

void shared_limit::pump(sharer& s) {
  for (; s.holder && !s.waiting.empty(); s.waiting.pop_front()) {
    if (!s.waiting.front().is_wanted()) continue;
    const auto ticket = s.calls.try_acquire({.id = 1}, local(s));
    if (ticket == 0) return;
    s.calls.release(ticket, local(s));
    s.holder->used(local(s), s.calls.used(local(s)));
    note_sent();
    s.waiting.front().send();
  }
}

void shared_limit::note_sent() {
  ++sent_;
  while (!last_minute_.empty() && last_minute_.front() <= time_.now() - seconds(60))
    last_minute_.pop_front();
  last_minute_.push_back(time_.now());
  if (last_minute_.size() > limits_.requests_per_minute)
    throw broken_promise("the provider got " + std::to_string(last_minute_.size()) +
                         " requests within a minute that may have " +
                         std::to_string(limits_.requests_per_minute));
}

void shared_limit::check_that_all_came_back() {
  for (const auto& s : sharers_)
    if (!s->waiting.empty()) throw broken_promise("a call waits for a share for ever");
  const auto still = store_.committed(time_.now()).requests_per_minute;
  if (still != 0)
    throw broken_promise(std::to_string(still) + " requests per minute are leased to nobody");
}

}  // namespace graphbit::sim
