#include <graphbit/actors/provider_client.hpp>

#include <functional>
#include <optional>
#include <thread>

#include <graphbit/runtime/reactor.hpp>

#include "root_executor.hpp"

namespace graphbit {

namespace {

// Balanced's numbers hold for calls outside any executor.
constexpr std::uint64_t flow_outside_executors = 1;

[[nodiscard]] std::uint32_t in_flight_default() {
  return std::max(256u, 16 * std::max(1u, std::thread::hardware_concurrency()));
}

void fill_in(call_options& options, const provider_config& config) {
  if (options.flow != 0 || config.max_in_flight) return;
  options.flow = flow_outside_executors;
  options.flow_in_flight_max = in_flight_default();
}

// The end of one call for a thread that waits for it in `reactor::drive`.
template <class Sink, class Response>
class waiting_sink final : public Sink {
 public:
  waiting_sink(reactor::waiter& w, std::optional<expected<Response>>& result)
      : waiter_(w), result_(result) {}
  void on_done(expected<Response> result) override {
    result_ = std::move(result);
    reactor::finish(waiter_);
  }

 private:
  reactor::waiter& waiter_;
  std::optional<expected<Response>>& result_;
};

[[nodiscard]] error on_a_reactor() {
  return runtime_error("complete",
                       "a blocking call on a reactor's thread would wait for itself; use submit()");
}

// This thread's own reactor, so that one thread's calls find warm connections.
[[nodiscard]] std::size_t preferred_reactor() {
  return std::hash<std::thread::id>{}(std::this_thread::get_id());
}

}  // namespace

expected<provider_client> provider_client::open(runtime& rt, provider_config config) {
  auto opened = rt.service<root_executor>()->client_for(std::move(config));
  if (!opened) return fail(opened.error());
  return provider_client(std::move(*opened));
}

std::uint64_t provider_client::submit(chat_request request, call_options options,
                                      std::unique_ptr<chat_sink> sink, bool stream,
                                      reactor* home) const {
  fill_in(options, config());
  const auto& shard = impl_->at_home(home);
  auto call = std::make_shared<pending_call>(std::move(request), std::move(options),
                                             std::move(sink), stream);
  return impl_->hand_over(shard, std::move(call));
}

std::uint64_t provider_client::submit(embedding_request request, call_options options,
                                      std::unique_ptr<embedding_sink> sink, reactor* home) const {
  fill_in(options, config());
  const auto& shard = impl_->at_home(home);
  auto call =
      std::make_shared<pending_call>(std::move(request), std::move(options), std::move(sink));
  return impl_->hand_over(shard, std::move(call));
}

std::uint64_t provider_client::impl::hand_over(const shard& to, pending_call_ptr call) const {
  // An id names its shard, so that cancel and resume find it.
  const auto index = static_cast<std::uint64_t>(&to - shards.data());
  const auto id = next_call.fetch_add(1, std::memory_order_relaxed) * shards.size() + index;
  call->id = id;
  caf::anon_send(to.slot->get(), submit_atom::value, std::move(call));
  return id;
}

void provider_client::resume(std::uint64_t call_id) const {
  caf::anon_send(impl_->of_call(call_id).slot->get(), resume_atom::value, call_id);
}

void provider_client::cancel(std::uint64_t call_id) const {
  caf::anon_send(impl_->of_call(call_id).slot->get(), cancel_atom::value, call_id);
}

template <class Sink, class Response, class Request>
expected<Response> provider_client::impl::wait_for(const provider_client& self, Request request,
                                                   call_options options,
                                                   const std::function<bool()>& interrupted) const {
  auto& home = *shards[preferred_reactor() % shards.size()].home;
  if (home.here()) return fail(on_a_reactor());
  std::optional<expected<Response>> result;
  reactor::waiter waiter;
  std::uint64_t id = 0;
  const auto submit = [&] {
    auto sink = std::make_unique<waiting_sink<Sink, Response>>(waiter, result);
    if constexpr (std::is_same_v<Sink, chat_sink>)
      id = self.submit(std::move(request), std::move(options), std::move(sink), false, &home);
    else
      id = self.submit(std::move(request), std::move(options), std::move(sink), &home);
  };
  if (!home.drive(waiter, submit, interrupted)) {
    // The sink lives on this stack: wait until the cancelled call has let go of it.
    static_cast<void>(home.drive(waiter, [&] { self.cancel(id); }, {}));
  }
  return std::move(*result);
}

expected<chat_response> provider_client::complete(chat_request request, call_options options,
                                                  const std::function<bool()>& interrupted) const {
  return impl_->wait_for<chat_sink, chat_response>(*this, std::move(request), std::move(options),
                                                   interrupted);
}

expected<embedding_response> provider_client::embed(
    embedding_request request, call_options options,
    const std::function<bool()>& interrupted) const {
  return impl_->wait_for<embedding_sink, embedding_response>(*this, std::move(request),
                                                             std::move(options), interrupted);
}

void provider_client::warm_up(std::function<void(expected<void>)> done) const {
  caf::anon_send(impl_->at_home(nullptr).slot->get(), run_atom::value,
                 shard_task{[done = std::move(done)](provider_shard& s) { s.warm_up(done); }});
}

const provider_config& provider_client::config() const { return impl_->endpoint->config; }

provider_client_stats provider_client::stats() const {
  provider_client_stats s;
  for (const auto& shard : impl_->shards) {
    const auto& c = *shard.counters;
    s.calls += c.calls;
    s.succeeded += c.succeeded;
    s.failed += c.failed;
    s.cancelled += c.cancelled;
    s.rejected += c.rejected;
    s.attempts += c.attempts;
    s.retries += c.retries;
    s.in_flight += c.in_flight;
    s.waiting += c.waiting;
    s.breaker = c.breaker;
    s.breaker_failures = c.breaker_failures;
    impl_->add_pool_stats(shard, s.pool);
  }
  return s;
}

// Asked on the shard's own thread; a shard that is just being restarted has no pool.
void provider_client::impl::add_pool_stats(const shard& of, http_pool_stats& sum) {
  if (of.home->here()) return;
  http_pool_stats answer;
  reactor::waiter waiter;
  struct finisher {
    reactor::waiter& w;
    ~finisher() { reactor::finish(w); }
  };
  const auto submit = [&] {
    auto end = std::make_shared<finisher>(waiter);  // also when the message is dropped
    caf::anon_send(of.slot->get(), run_atom::value,
                   shard_task{[end, &answer](provider_shard& s) { answer = s.pool_stats(); }});
  };
  static_cast<void>(of.home->drive(waiter, submit, {}));
  sum.open += answer.open;
  sum.idle += answer.idle;
  sum.waiting += answer.waiting;
  sum.opened += answer.opened;
  sum.reused += answer.reused;
}

void provider_client::set_limits(std::optional<std::uint32_t> max_in_flight,
                                 std::optional<std::uint32_t> rpm,
                                 std::optional<std::uint64_t> tpm) const {
  caf::anon_send(impl_->limiter->get(), limits_change{max_in_flight, rpm, tpm});
}

}  // namespace graphbit
