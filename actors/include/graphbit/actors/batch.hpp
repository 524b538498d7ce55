#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <graphbit/actors/provider_client.hpp>
#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

/// One thing that is asked.
using batch_request = std::variant<chat_request, embedding_request>;
/// What it was answered with, of the same kind.
using batch_response = std::variant<chat_response, embedding_response>;

/// One item that waits for its turn.
struct batch_item {
  std::uint64_t index = 0;      ///< the caller's own number; comes back in the outcome
  batch_request request;        ///< a chat request without messages is answered with an empty text
  std::string idempotency_key;  ///< empty: made
};

/// What became of one item. Every item gets exactly one.
struct batch_outcome {
  std::uint64_t index = 0;          ///< the item's
  expected<batch_response> result;  ///< the answer, or why there is none
  bool started = true;              ///< false: the batch ended before its turn came
  std::uint64_t latency_us = 0;     ///< from its start to its answer, all attempts included
};

/// What a batch came to.
struct batch_summary {
  std::uint64_t items = 0;              ///< that it was given
  std::uint64_t succeeded = 0;          ///< answered
  std::uint64_t failed = 0;             ///< ended by an error
  std::uint64_t not_started = 0;        ///< the batch ended before their turn came
  std::uint64_t attempts = 0;           ///< requests that were sent
  std::uint64_t prompt_tokens = 0;      ///< of all answers
  std::uint64_t completion_tokens = 0;  ///< of all answers
  double cost = 0;                      ///< US dollars, of the answers whose price is known
  /// Why it ended early: cancelled, over budget, or a failure that waiting cannot cure (401, 403,
  /// 402, quota).
  std::optional<error> stopped_by;
};

/// True for what waiting cannot cure and every further item would meet alike: a refused key, an
/// empty account, a spent budget. The batch ends by it.
[[nodiscard]] bool ends_batch(const error& e) noexcept;

/// How a batch treats its items, and when it stops.
struct batch_options {
  call_options call{.priority = priority_class::batch};  ///< how each item is treated
  std::uint32_t in_flight_max = 0;                       ///< 0: the client's own bound
  /// An outage pauses the batch so long in all per item, once one item has succeeded.
  milliseconds pause_max{0};
  /// The batch stops, keeping what is finished, once it has used this; none: no bound.
  std::optional<double> max_cost;                 ///< US dollars by the price table
  std::optional<std::uint64_t> max_total_tokens;  ///< prompt and answer tokens together
  /// Each item's `timeout_s`, counted from when it is pulled.
  std::optional<milliseconds> item_timeout;
};

/// Gives a batch its items and takes its outcomes, on the batch's reactor. Must not block and must
/// not throw; `on_done` comes exactly once, last.
class batch_listener {
 public:
  virtual ~batch_listener() = default;
  /// There is room for `count` more items: answer by `batch::add`, now or later, with any number.
  /// Asked again only when that room was used.
  virtual void on_wanted(std::size_t count) = 0;
  /// One item is done; in the order in which they end.
  virtual void on_outcome(batch_outcome outcome) = 0;
  /// The batch is over.
  virtual void on_done(const batch_summary& summary) = 0;
};

/// A handle to one batch: the actor that keeps as many items in flight as it may and pulls more as
/// slots free up, so that memory is bounded by what is in flight, whatever the batch's size.
/// One bad item never fails the batch. Cheap to copy; any thread. Dropping all handles does not
/// end the batch; `cancel` does.
class batch {
 public:
  batch() = default;
  /// Starts a batch without items. Error: ResourceExhausted or Runtime when the runtime is down.
  [[nodiscard]] static expected<batch> start(runtime& rt, provider_client client,
                                             batch_options options,
                                             std::unique_ptr<batch_listener> listener);
  /// Items for the room that was asked for. After `close` or `cancel` they are not started.
  void add(std::vector<batch_item> items) const;
  /// No more items will come: the batch ends when those it has are done.
  void close() const;
  /// Cancels what is in flight; the rest is not started.
  void cancel() const;
  /// The reactor that the listener is called on.
  [[nodiscard]] reactor& home() const;

  class impl;

 private:
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
