#include "provider_pipeline.hpp"

#include <future>

#include <functional>
#include <thread>
#include <utility>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit {

namespace {

/// Says the one word of a warm-up, also when whoever was to say it is gone.
class warm_up_answer {
 public:
  explicit warm_up_answer(std::function<void(expected<void>)> done) : done_(std::move(done)) {}
  ~warm_up_answer() {
    say(fail(runtime_error("warm_up",
                           "the provider client actor ended before it was warm; it is restarted "
                           "by its supervisor, so this can be asked again")));
  }
  warm_up_answer(const warm_up_answer&) = delete;
  warm_up_answer& operator=(const warm_up_answer&) = delete;

  void say(expected<void> result) {
    const auto done = std::exchange(done_, nullptr);
    if (!done) return;
    try {
      done(std::move(result));
    } catch (...) {  // a listener that throws must not take the actor with it
      log(log_level::error, "actors", "a receiver of a warm-up's end threw");
    }
  }

 private:
  std::function<void(expected<void>)> done_;
};

}  // namespace

provider_pipeline::~provider_pipeline() {
  const auto inside = gate->enter();
  if (!inside) return;  // the runtime ends, and its supervisor ends them
  for (const auto& s : shards)
    if (auto handle = s.slot->get()) caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
}

const provider_pipeline::shard& provider_pipeline::at_home(const reactor* home) const {
  if (home != nullptr && home->index() < shards.size() && shards[home->index()].home == home)
    return shards[home->index()];
  return shards[next_call_.load(std::memory_order_relaxed) % shards.size()];
}

// This thread's own reactor, so that one thread's calls find warm connections.
reactor& provider_pipeline::home_of_this_thread() const {
  return *shards[std::hash<std::thread::id>{}(std::this_thread::get_id()) % shards.size()].home;
}

std::uint64_t provider_pipeline::submit(pending_call_ptr call, reactor* home) {
  const auto& to = at_home(home);
  // An id names its shard, so that cancel and resume find it.
  const auto index = static_cast<std::uint64_t>(&to - shards.data());
  const auto id = next_call_.fetch_add(1, std::memory_order_relaxed) * shards.size() + index;
  call->id = id;
  caf::anon_send(to.slot->get(), submit_atom::value, std::move(call));
  return id;
}

void provider_pipeline::cancel(std::uint64_t call_id) {
  caf::anon_send(of_call(call_id).slot->get(), cancel_atom::value, call_id);
}

void provider_pipeline::resume(std::uint64_t call_id) {
  caf::anon_send(of_call(call_id).slot->get(), resume_atom::value, call_id);
}

void provider_pipeline::warm_up(std::function<void(expected<void>)> done) {
  caf::anon_send(
      at_home(nullptr).slot->get(), run_atom::value,
      shard_task{[answer = std::make_shared<warm_up_answer>(std::move(done))](provider_shard& s) {
        s.warm_up([answer](expected<void> result) { answer->say(std::move(result)); });
      }});
}

void provider_pipeline::set_limits(const limits_change& to) { caf::anon_send(limiter->get(), to); }

provider_client_stats provider_pipeline::counters() const {
  provider_client_stats s;
  for (const auto& shard : shards) {
    s += shard.counters->read();
    s.breaker = shard.counters->breaker;
    s.breaker_failures = shard.counters->breaker_failures;
  }
  return s;
}

provider_client_stats provider_pipeline::stats() const {
  auto s = counters();
  for (const auto& shard : shards) add_pool_stats(shard, s);
  return s;
}

// Asked on the shard's own thread; a shard that is just being restarted has no pool.
void provider_pipeline::add_pool_stats(const shard& of, provider_client_stats& sum) {
  if (of.home->here()) return;
  http_pool_stats answer;
  reactor::waiter waiter;
  struct finisher {
    reactor::waiter& w;
    explicit finisher(reactor::waiter& waiter) : w(waiter) {}
    ~finisher() { reactor::finish(w); }
    finisher(const finisher&) = delete;
    finisher& operator=(const finisher&) = delete;
  };
  const auto submit = [&] {
    auto end = std::make_shared<finisher>(waiter);  // also when the message is dropped
    caf::anon_send(of.slot->get(), run_atom::value,
                   shard_task{[end, &answer](provider_shard& s) { answer = s.pool_stats(); }});
  };
  static_cast<void>(of.home->drive(waiter, submit, {}));
  provider_client_stats one;
  one.pool = answer;
  sum += one;
}

provider_pipeline::picture provider_pipeline::seen_within(milliseconds patience) const {
  picture sum{counters(), {}};
  using answer_type = std::pair<http_pool_stats, shard_totals>;
  std::vector<std::future<answer_type>> answers;
  for (const auto& shard : shards) {
    auto answer = std::make_shared<std::promise<answer_type>>();
    answers.push_back(answer->get_future());
    caf::anon_send(shard.slot->get(), run_atom::value, shard_task{[answer](provider_shard& s) {
                     answer->set_value({s.pool_stats(), s.totals()});
                   }});
  }
  const auto until = steady_clock::now() + patience;
  for (auto& answer : answers) {
    if (answer.wait_until(until) != std::future_status::ready) continue;
    try {
      const auto [pool, totals] = answer.get();
      provider_client_stats one;
      one.pool = pool;
      sum.stats += one;
      sum.totals.add(totals);
    } catch (const std::future_error&) {  // the shard is just being restarted
    }
  }
  return sum;
}

}  // namespace graphbit
