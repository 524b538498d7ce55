#include <graphbit/actors/batch.hpp>

#include <algorithm>
#include <deque>
#include <unordered_map>

#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "batch_metrics.hpp"
#include "empty_handle.hpp"
#include "in_flight_default.hpp"
#include "root_executor.hpp"

namespace graphbit {

namespace {

using add_atom = caf::atom_constant<caf::atom("add")>;
using close_atom = caf::atom_constant<caf::atom("close")>;
using cancel_batch_atom = caf::atom_constant<caf::atom("cancel")>;

struct batch_items {
  std::shared_ptr<std::vector<batch_item>> items;
};
struct item_ended {
  std::shared_ptr<batch_outcome> outcome;
};

}  // namespace
}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::batch_items)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::item_ended)

namespace graphbit {

class batch::impl {
 public:
  template <class... Ts>
  void send(Ts... message) const {
    if (const auto inside = gate->enter()) caf::anon_send(slot->get(), std::move(message)...);
  }

  std::shared_ptr<call_gate> gate;
  std::shared_ptr<actor_slot> slot;
  reactor* home = nullptr;
};

namespace {

// Tells the batch's actor of one item's end. If the actor is gone, it has told the listener.
template <class Sink, class Response>
class item_sink final : public Sink {
 public:
  item_sink(caf::actor batch, std::uint64_t index) : batch_(std::move(batch)), index_(index) {}
  void on_done(expected<Response> result) override {
    auto outcome = std::make_shared<batch_outcome>();
    outcome->index = index_;
    if (result)
      outcome->result = batch_response(std::move(*result));
    else
      outcome->result = fail(std::move(result.error()));
    caf::anon_send(batch_, item_ended{std::move(outcome)});
  }

 private:
  caf::actor batch_;
  std::uint64_t index_;
};

[[nodiscard]] bool is_empty(const batch_request& request) {
  const auto* chat = std::get_if<chat_request>(&request);
  return chat != nullptr && chat->messages.empty();
}

// The batch itself; lives on its reactor's thread.
class batch_run {
 public:
  batch_run(pinned_actor* self, provider_client client, batch_options options,
            std::shared_ptr<batch_listener> listener, metrics_registry& registry)
      : self_(self),
        metrics_(registry),
        client_(std::move(client)),
        options_(std::move(options)),
        listener_(std::move(listener)),
        succeeded_once_(std::make_shared<std::atomic<bool>>(false)) {
    if (options_.in_flight_max == 0) options_.in_flight_max = default_in_flight();
    options_.call.budget = call_budget::within(std::move(options_.call.budget),
                                               {options_.max_cost, options_.max_total_tokens});
    options_.call.pause_max = options_.pause_max;
    options_.call.pause_when = succeeded_once_;
  }

  // Whatever ends the actor, each item gets its outcome.
  ~batch_run() {
    if (ended_) return;
    if (!summary_.stopped_by)
      summary_.stopped_by = runtime_error("batch", "the batch actor ended before the batch did");
    for (const auto& [index, started_at] : in_flight_)
      deliver({index, fail(*summary_.stopped_by), true, 0});
    drop_queue();
    listener_->on_done(summary_);
  }

  void start() { ask_for_more(); }

  void add(std::vector<batch_item> items) {
    wanted_ -= std::min(wanted_, items.size());
    summary_.items += items.size();
    queue_.insert(queue_.end(), std::make_move_iterator(items.begin()),
                  std::make_move_iterator(items.end()));
    advance();
  }

  void close() {
    closed_ = true;
    advance();
  }

  void cancel() {
    stop(cancelled_error("batch"));
    stop_source_.request_stop();
    advance();
  }

  void item_ended(batch_outcome outcome) {
    const auto found = in_flight_.find(outcome.index);
    if (found == in_flight_.end()) return;
    outcome.latency_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - found->second)
            .count());
    in_flight_.erase(found);
    if (!outcome.result && ends_batch(outcome.result.error())) {
      stop(outcome.result.error());
      outcome.started =
          !is_over_budget(outcome.result.error());  // that one refuses, it sends nothing
    }
    deliver(std::move(outcome));
    advance();
  }

 private:
  [[nodiscard]] std::uint32_t default_in_flight() const {
    if (const auto set = client_.config().max_in_flight) return std::max(1u, *set);
    return in_flight_default();
  }

  void stop(const error& why) {
    if (!summary_.stopped_by) summary_.stopped_by = why;
    closed_ = true;
  }

  void advance() {
    if (ended_) return;
    if (summary_.stopped_by) drop_queue();
    while (!queue_.empty() && in_flight_.size() < options_.in_flight_max) {
      auto item = std::move(queue_.front());
      queue_.pop_front();
      submit(std::move(item));
    }
    metrics_.at_work(in_flight_.size(), queue_.size());
    if (closed_ && queue_.empty() && in_flight_.empty()) return finish();
    ask_for_more();
  }

  // One more window is kept ready, so that a slow source does not leave slots empty.
  void ask_for_more() {
    if (closed_) return;
    const std::size_t room = 2 * static_cast<std::size_t>(options_.in_flight_max);
    const std::size_t have = queue_.size() + in_flight_.size() + wanted_;
    if (have >= room || room - have < std::max<std::size_t>(1, options_.in_flight_max / 4)) return;
    wanted_ = room - queue_.size() - in_flight_.size();
    listener_->on_wanted(wanted_);
  }

  void submit(batch_item item) {
    if (is_empty(item.request))
      return deliver({item.index, batch_response(chat_response{}), true, 0});
    const auto now = steady_clock::now();
    in_flight_[item.index] = now;
    auto options = options_.call;
    options.stop = stop_source_.get_token();
    options.idempotency_key = std::move(item.idempotency_key);
    if (options_.item_timeout)
      options.deadline_at = std::min(options.deadline_at, now + *options_.item_timeout);
    const auto self = caf::actor_cast<caf::actor>(self_);
    if (auto* chat = std::get_if<chat_request>(&item.request))
      client_.submit(std::move(*chat), std::move(options),
                     std::make_unique<item_sink<chat_sink, chat_response>>(self, item.index));
    else
      client_.submit(
          std::get<embedding_request>(std::move(item.request)), std::move(options),
          std::make_unique<item_sink<embedding_sink, embedding_response>>(self, item.index));
  }

  void drop_queue() {
    for (; !queue_.empty(); queue_.pop_front()) {
      auto why = *summary_.stopped_by;
      why.message = "not started: " + why.message;
      deliver({queue_.front().index, fail(std::move(why)), false, 0});
    }
  }

  void deliver(batch_outcome outcome) {
    if (!outcome.started) {
      ++summary_.not_started;
    } else if (outcome.result) {
      ++summary_.succeeded;
      std::visit([&](const auto& response) { add_up(response); }, *outcome.result);
      succeeded_once_->store(true, std::memory_order_relaxed);
    } else {
      ++summary_.failed;
      summary_.attempts += outcome.result.error().attempts;
    }
    metrics_.delivered(outcome);
    listener_->on_outcome(std::move(outcome));
  }

  template <class Response>
  void add_up(const Response& response) {
    summary_.attempts += response.attempts;
    summary_.prompt_tokens += response.usage.prompt_tokens;
    summary_.completion_tokens += response.usage.completion_tokens;
    summary_.cost += response.cost.value_or(0);
  }

  void finish() {
    ended_ = true;
    listener_->on_done(summary_);
    self_->quit();
  }

  pinned_actor* self_;
  batch_metrics metrics_;
  provider_client client_;
  batch_options options_;
  std::shared_ptr<batch_listener> listener_;
  std::shared_ptr<std::atomic<bool>> succeeded_once_;
  std::stop_source stop_source_;
  std::deque<batch_item> queue_;
  std::unordered_map<std::uint64_t, time_point> in_flight_;
  std::size_t wanted_ = 0;
  batch_summary summary_;
  bool closed_ = false;
  bool ended_ = false;
};

struct batch_state {
  static inline const char* name = "batch";
  std::unique_ptr<batch_run> run;
};
using batch_actor = caf::stateful_actor<batch_state, pinned_actor>;

using start_batch = std::function<std::unique_ptr<batch_run>(pinned_actor*)>;

caf::behavior serve_batch(batch_actor* self, const start_batch& make) {
  self->state.run = make(self);
  auto* run = self->state.run.get();
  run->start();
  return {
      [run](add_atom, const batch_items& more) { run->add(std::move(*more.items)); },
      [run](close_atom) { run->close(); },
      [run](cancel_batch_atom) { run->cancel(); },
      [run](const item_ended& ended) { run->item_ended(std::move(*ended.outcome)); },
  };
}

}  // namespace

bool ends_batch(const error& e) noexcept {
  return e.kind == error_kind::authentication || is_over_budget(e) || e.field == "max_cost" ||
         (e.kind == error_kind::rate_limit && e.retry == retry_rule::never && e.status != 0);
}

expected<batch> batch::start(runtime& rt, provider_client client, batch_options options,
                             std::unique_ptr<batch_listener> listener) {
  if (!client) return fail(never_opened("provider_client"));
  const auto root = root_executor::of(rt);
  if (!root) return fail(root.error());
  batch handle;
  handle.impl_ = std::make_shared<impl>();
  handle.impl_->gate = (*root)->gate();
  handle.impl_->slot = (*root)->make_slot();
  auto& home = rt.next_reactor();
  handle.impl_->home = &home;
  const std::shared_ptr<batch_listener> shared = std::move(listener);
  const auto registry = rt.service<metrics_registry>();
  const start_batch make = [client, options, shared, registry](pinned_actor* self) {
    return std::make_unique<batch_run>(self, client, options, shared, *registry);
  };
  handle.impl_->slot->set(
      (*root)->start_child({.kind = "batch",
                            .name = client.config().provider + " " + client.config().model,
                            .lifetime = policy::child_lifetime::temporary,
                            .start = [&home, make] { return spawn_on(home, serve_batch, make); }}));
  return handle;
}

void batch::add(std::vector<batch_item> items) const {
  if (!impl_) return;
  impl_->send(add_atom::value,
              batch_items{std::make_shared<std::vector<batch_item>>(std::move(items))});
}

void batch::close() const {
  if (impl_) impl_->send(close_atom::value);
}

void batch::cancel() const {
  if (impl_) impl_->send(cancel_batch_atom::value);
}

reactor& batch::home() const {
  if (!impl_) refuse_empty("batch");
  return *impl_->home;
}

}  // namespace graphbit
