#include <graphbit/actors/actor_interfaces.hpp>

#include <unordered_map>
#include <utility>

#include <graphbit/runtime/pinned_actor.hpp>

namespace graphbit {

namespace {

// The end of one order, sent to the actor that took it by whichever thread it came on.
template <class Response>
struct order_ended {
  std::uint64_t number = 0;
  std::shared_ptr<expected<Response>> result;
};

}  // namespace
}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::order_ended<graphbit::chat_response>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::order_ended<graphbit::embedding_response>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::order_ended<graphbit::run_result>)

namespace graphbit {

namespace {

/// The orders that an actor has taken and not answered. A promise that is dropped answers nothing,
/// so whatever ends the actor, the destructor answers each.
class open_orders {
 public:
  explicit open_orders(caf::event_based_actor* self) : self_(self) {}
  ~open_orders() {
    stop_.request_stop();
    for (auto& [number, promise] : promises_)
      promise.deliver(to_caf(
          runtime_error("actor", "the actor ended before it answered; its call was cancelled")));
  }
  open_orders(const open_orders&) = delete;
  open_orders& operator=(const open_orders&) = delete;

  std::uint64_t add(caf::response_promise promise) {
    promises_.emplace(++last_, std::move(promise));
    return last_;
  }
  template <class Response>
  void answer(const order_ended<Response>& ended) {
    const auto found = promises_.find(ended.number);
    if (found == promises_.end()) return;
    auto promise = std::move(found->second);
    promises_.erase(found);
    if (*ended.result)
      promise.deliver(std::move(**ended.result));
    else
      promise.deliver(to_caf(ended.result->error()));
  }
  /// What a call's callback does: brings the result to the actor's own thread.
  template <class Response>
  [[nodiscard]] auto courier(std::uint64_t number) const {
    return [to = caf::actor_cast<caf::actor>(self_), number](expected<Response> result) {
      caf::anon_send(to, order_ended<Response>{
                             number, std::make_shared<expected<Response>>(std::move(result))});
    };
  }
  /// Stopped when the actor ends. The caller's own token comes first.
  [[nodiscard]] std::stop_token stop_for(const std::stop_token& callers) const {
    return callers.stop_possible() ? callers : stop_.get_token();
  }

 private:
  caf::event_based_actor* self_;
  std::unordered_map<std::uint64_t, caf::response_promise> promises_;
  std::uint64_t last_ = 0;
  std::stop_source stop_;
};

struct interface_state {
  static inline const char* name = "graphbit interface";
  std::unique_ptr<open_orders> orders;
};
using interface_actor = caf::stateful_actor<interface_state>;

void prepare(interface_actor* self) {
  install_safe_handlers(*self);
  self->state.orders = std::make_unique<open_orders>(self);
}

template <class Typed, class F, class... Ts>
[[nodiscard]] Typed spawn_as(caf::actor_system& system, F f, Ts&&... args) {
  const spawn_scope scope;
  return caf::actor_cast<Typed>(system.spawn(f, std::forward<Ts>(args)...));
}

caf::behavior serve_client(interface_actor* self, const provider_client& client) {
  prepare(self);
  auto& orders = *self->state.orders;
  return {
      [self, client, &orders](completion_order& order) {
        auto promise = self->make_response_promise();
        const auto number = orders.add(promise);
        order.options.stop = orders.stop_for(order.options.stop);
        start_completion(client, std::move(order.request), std::move(order.options),
                         orders.courier<chat_response>(number));
        return promise;
      },
      [self, client, &orders](embedding_order& order) {
        auto promise = self->make_response_promise();
        const auto number = orders.add(promise);
        order.options.stop = orders.stop_for(order.options.stop);
        start_embedding(client, std::move(order.request), std::move(order.options),
                        orders.courier<embedding_response>(number));
        return promise;
      },
      [client](stats_atom) { return client.counters(); },
      [&orders](const order_ended<chat_response>& ended) { orders.answer(ended); },
      [&orders](const order_ended<embedding_response>& ended) { orders.answer(ended); },
  };
}

caf::behavior view_breaker(interface_actor* self, const provider_client& client) {
  prepare(self);
  return {[client](stats_atom) {
    const auto now = client.counters();
    return breaker_view{now.breaker, now.breaker_failures, now.rejected};
  }};
}

caf::behavior view_limiter(interface_actor* self, const provider_client& client) {
  prepare(self);
  return {
      [client](stats_atom) {
        const auto now = client.counters();
        return limiter_view{now.in_flight, now.waiting, now.in_flight_max};
      },
      [client](const limits_order& to) { client.set_limits(to.max_in_flight, to.rpm, to.tpm); },
  };
}

// Starts a run whose end comes to the actor as the answer of order `number`.
void start(const executor& on, open_orders& orders, std::uint64_t number, run_order order) {
  order.options.stop = orders.stop_for(order.options.stop);
  const auto ended = orders.courier<run_result>(number);
  const auto accepted =
      on.run(std::move(order.flow), std::move(order.options), [ended](const run_result& result) {
        if (result.raised())
          ended(fail(*result.raised()));
        else
          ended(result);
      });
  if (!accepted) ended(fail(accepted.error()));
}

caf::behavior serve_executor(interface_actor* self, const executor& on) {
  prepare(self);
  auto& orders = *self->state.orders;
  return {
      [self, on, &orders](run_order& order) {
        auto promise = self->make_response_promise();
        start(on, orders, orders.add(promise), std::move(order));
        return promise;
      },
      [on](stop_run_atom, const std::string& run_id) { on.cancel(run_id); },
      [on](stats_atom) { return on.stats(); },
      [&orders](const order_ended<run_result>& ended) { orders.answer(ended); },
  };
}

// One run: who asks before its end waits for it, who asks later gets it at once.
struct run_interface_state {
  static inline const char* name = "graphbit run interface";
  std::unique_ptr<open_orders> orders;
  std::vector<caf::response_promise> waiting;
  std::shared_ptr<expected<run_result>> result;
  std::stop_source stop;

  ~run_interface_state() {
    stop.request_stop();
    for (auto& promise : waiting)
      promise.deliver(to_caf(runtime_error("run", "the run's actor ended before the run did")));
  }
};
using run_interface_actor = caf::stateful_actor<run_interface_state>;

// How long an ended run can still be asked.
constexpr auto result_kept = seconds{60};

void answer(caf::response_promise& promise, const expected<run_result>& result) {
  if (result)
    promise.deliver(*result);
  else
    promise.deliver(to_caf(result.error()));
}

caf::behavior serve_run(run_interface_actor* self, const executor& on,
                        const std::shared_ptr<run_order>& order) {
  install_safe_handlers(*self);
  auto& state = self->state;
  state.orders = std::make_unique<open_orders>(self);
  if (!order->options.stop.stop_possible()) order->options.stop = state.stop.get_token();
  const auto stop = state.stop;
  start(on, *state.orders, 0, std::move(*order));
  return {
      [self](result_atom) {
        auto promise = self->make_response_promise();
        if (self->state.result)
          answer(promise, *self->state.result);
        else
          self->state.waiting.push_back(promise);
        return promise;
      },
      [stop](stop_run_atom) mutable { stop.request_stop(); },
      [self](const order_ended<run_result>& ended) {
        self->state.result = ended.result;
        for (auto& promise : std::exchange(self->state.waiting, {})) answer(promise, *ended.result);
        self->delayed_send(self, result_kept,
                           caf::exit_msg{self->address(), caf::exit_reason::normal});
      },
  };
}

}  // namespace

provider_client_actor_type spawn_provider_client(caf::actor_system& system,
                                                 provider_client client) {
  return spawn_as<provider_client_actor_type>(system, serve_client, std::move(client));
}

breaker_actor_type spawn_breaker_view(caf::actor_system& system, provider_client client) {
  return spawn_as<breaker_actor_type>(system, view_breaker, std::move(client));
}

limiter_actor_type spawn_limiter_view(caf::actor_system& system, provider_client client) {
  return spawn_as<limiter_actor_type>(system, view_limiter, std::move(client));
}

executor_actor_type spawn_executor(caf::actor_system& system, executor on) {
  return spawn_as<executor_actor_type>(system, serve_executor, std::move(on));
}

run_actor_type spawn_run(caf::actor_system& system, executor on, workflow flow,
                         run_options options) {
  auto order = std::make_shared<run_order>(run_order{std::move(flow), std::move(options)});
  return spawn_as<run_actor_type>(system, serve_run, std::move(on), order);
}

callable actor_callable(std::string name, caf::actor worker, milliseconds timeout) {
  const auto ask = [worker = std::move(worker), timeout](const json_value& arguments) {
    const spawn_scope scope;
    caf::scoped_actor self{worker.home_system()};
    expected<json_value> result;
    self->request(worker, timeout, arguments)
        .receive([&](json_value& answer) { result = std::move(answer); },
                 [&](caf::error& e) { result = fail(from_caf(e)); });
    return result;
  };
  return {.name = std::move(name), .call = ask, .blocking = true, .timeout = milliseconds{0}};
}

}  // namespace graphbit
