#include <graphbit/actors/limit_authority.hpp>
#include <graphbit/actors/provider_client.hpp>

#include <optional>

#include <graphbit/runtime/reactor.hpp>

#include "empty_handle.hpp"
#include "in_flight_default.hpp"
#include "root_executor.hpp"
#include "routed_client.hpp"

namespace graphbit {

namespace {

// Balanced's numbers hold for calls outside any executor.
constexpr std::uint64_t flow_outside_executors = 1;

void fill_in(call_options& options, const provider_config& config) {
  if (options.flow != 0 || config.max_in_flight) return;
  options.flow = flow_outside_executors;
  options.flow_in_flight_max = in_flight_default();
}

[[nodiscard]] call_gate::pass door(call_gate& gate, const reactor* home) {
  return home != nullptr && home->here() ? call_gate::inside_already() : gate.enter();
}

// Not inlined: GCC 12 takes what it then knows of `expected` for uninitialised.
template <class Sink>
[[gnu::noinline]] std::uint64_t refuse(Sink& sink, error why) {
  sink.on_done(fail(std::move(why)));
  return 0;
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

template <class Sink, class Response, class Submit>
[[nodiscard]] expected<Response> wait_for(const provider_client& client, reactor& home,
                                          const Submit& submit_with,
                                          const std::function<bool()>& interrupted) {
  if (home.here()) return fail(on_a_reactor());
  std::optional<expected<Response>> result;
  reactor::waiter waiter;
  std::uint64_t id = 0;
  const auto submit = [&] {
    id = submit_with(std::make_unique<waiting_sink<Sink, Response>>(waiter, result));
  };
  if (!home.drive(waiter, submit, interrupted)) {
    // The sink lives on this stack: wait until the cancelled call has let go of it.
    static_cast<void>(home.drive(waiter, [&] { client.cancel(id); }, {}));
  }
  return std::move(*result);
}

}  // namespace

provider_client_stats& provider_client_stats::operator+=(const provider_client_stats& more) {
  calls += more.calls;
  succeeded += more.succeeded;
  failed += more.failed;
  cancelled += more.cancelled;
  rejected += more.rejected;
  attempts += more.attempts;
  retries += more.retries;
  hedges += more.hedges;
  hedges_won += more.hedges_won;
  cache_hits += more.cache_hits;
  in_flight += more.in_flight;
  waiting += more.waiting;
  in_flight_max += more.in_flight_max;
  pool.open += more.pool.open;
  pool.idle += more.pool.idle;
  pool.waiting += more.pool.waiting;
  pool.opened += more.pool.opened;
  pool.reused += more.pool.reused;
  pool.forgiven += more.pool.forgiven;
  return *this;
}

expected<void> share_limits(runtime& rt, std::shared_ptr<limit_authority> authority) {
  const auto root = root_executor::of(rt);
  if (!root) return fail(root.error());
  (*root)->share_limits(std::move(authority));
  return {};
}

expected<provider_client> open_sharing(runtime& rt, provider_config config,
                                       std::shared_ptr<limit_authority> authority) {
  if (config.routes) return provider_client::open(rt, std::move(config));
  const auto root = root_executor::of(rt);
  if (!root) return fail(root.error());
  auto opened = (*root)->client_for(std::move(config), std::move(authority));
  if (!opened) return fail(opened.error());
  return provider_client::around(rt, std::move(*opened));
}

expected<provider_client> provider_client::open(runtime& rt, provider_config config) {
  const auto root = root_executor::of(rt);
  if (!root) return fail(root.error());
  if (config.routes) {
    auto routed = routed_client::open(rt, std::move(config));
    if (!routed) return fail(routed.error());
    (*routed)->gate = (*root)->gate();
    return provider_client(std::move(*routed));
  }
  auto opened = (*root)->client_for(std::move(config));
  if (!opened) return fail(opened.error());
  return provider_client(std::move(*opened));
}

expected<provider_client> provider_client::around(runtime& rt, std::shared_ptr<impl> p) {
  const auto root = root_executor::of(rt);
  if (!root) return fail(root.error());
  p->gate = (*root)->gate();
  return provider_client(std::move(p));
}

std::uint64_t provider_client::submit(chat_request request, call_options options,
                                      std::unique_ptr<chat_sink> sink, bool stream,
                                      reactor* home) const {
  if (!impl_) return refuse(*sink, never_opened("provider_client"));
  const auto inside = door(*impl_->gate, home);
  if (!inside) return refuse(*sink, runtime_has_ended("complete"));
  fill_in(options, config());
  return impl_->submit(std::make_shared<pending_call>(std::move(request), std::move(options),
                                                      std::move(sink), stream),
                       home);
}

std::uint64_t provider_client::submit(embedding_request request, call_options options,
                                      std::unique_ptr<embedding_sink> sink, reactor* home) const {
  if (!impl_) return refuse(*sink, never_opened("provider_client"));
  const auto inside = door(*impl_->gate, home);
  if (!inside) return refuse(*sink, runtime_has_ended("embed"));
  fill_in(options, config());
  return impl_->submit(
      std::make_shared<pending_call>(std::move(request), std::move(options), std::move(sink)),
      home);
}

void provider_client::resume(std::uint64_t call_id) const {
  if (!impl_) return;
  if (const auto inside = impl_->gate->enter()) impl_->resume(call_id);
}

void provider_client::cancel(std::uint64_t call_id) const {
  if (!impl_) return;
  if (const auto inside = impl_->gate->enter()) impl_->cancel(call_id);
}

expected<chat_response> provider_client::complete(chat_request request, call_options options,
                                                  const std::function<bool()>& interrupted) const {
  if (!impl_) return fail(never_opened("provider_client"));
  const auto inside = impl_->gate->enter();
  if (!inside) return fail(runtime_has_ended("complete"));
  auto& home = impl_->home_of_this_thread();
  return wait_for<chat_sink, chat_response>(
      *this, home,
      [&](std::unique_ptr<chat_sink> sink) {
        return submit(std::move(request), std::move(options), std::move(sink), false, &home);
      },
      interrupted);
}

expected<embedding_response> provider_client::embed(
    embedding_request request, call_options options,
    const std::function<bool()>& interrupted) const {
  if (!impl_) return fail(never_opened("provider_client"));
  const auto inside = impl_->gate->enter();
  if (!inside) return fail(runtime_has_ended("embed"));
  auto& home = impl_->home_of_this_thread();
  return wait_for<embedding_sink, embedding_response>(
      *this, home,
      [&](std::unique_ptr<embedding_sink> sink) {
        return submit(std::move(request), std::move(options), std::move(sink), &home);
      },
      interrupted);
}

void provider_client::warm_up(std::function<void(expected<void>)> done) const {
  if (!impl_) return done(fail(never_opened("provider_client")));
  if (const auto inside = impl_->gate->enter()) return impl_->warm_up(std::move(done));
  done(fail(runtime_has_ended("warm_up")));
}

const provider_config& provider_client::config() const {
  if (!impl_) refuse_empty("provider_client");
  return impl_->config();
}

provider_client_stats provider_client::stats() const {
  if (!impl_) return {};
  const auto inside = impl_->gate->enter();
  return inside ? impl_->stats() : impl_->counters();
}

provider_client_stats provider_client::counters() const {
  return impl_ ? impl_->counters() : provider_client_stats{};
}

reactor& provider_client::home() const {
  if (!impl_) refuse_empty("provider_client");
  return impl_->home_of_this_thread();
}

void provider_client::set_limits(std::optional<std::uint32_t> max_in_flight,
                                 std::optional<std::uint32_t> rpm,
                                 std::optional<std::uint64_t> tpm) const {
  if (!impl_) return;
  if (const auto inside = impl_->gate->enter()) impl_->set_limits({max_in_flight, rpm, tpm});
}

}  // namespace graphbit
