#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/event_valve.hpp>
#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/run_event.hpp>
#include <graphbit/actors/run_result.hpp>

#include "src/backend_book.hpp"
#include "src/callable_gate.hpp"
#include "src/named_values.hpp"
#include "src/prompt.hpp"
#include "src/record_json.hpp"
#include "src/run_plan.hpp"
#include "src/run_replay.hpp"
#include "src/run_trace.hpp"

namespace graphbit {

class run_journal;

/// What all runs of one executor share.
struct run_environment {
  std::shared_ptr<backend_book> backends;
  std::shared_ptr<callable_gate> callables;
  call_options call;  ///< what every call gets: priority, flow, retries
};

/// What a run that takes too long exceeds.
struct time_limit {
  std::string operation;  ///< of the Timeout error
  milliseconds allowed{0};
};

/// One run as it is asked for.
struct run_setup {
  std::shared_ptr<const run_plan> plan;
  run_environment environment;
  std::string run_id;
  json_value inputs;  ///< object or null
  time_point deadline_at = never;
  std::optional<time_limit>
      limit{};  ///< named by the run's error at that time; none: others watch it
  run_listener listener{};
  bool stream_tokens = false;
  std::shared_ptr<event_valve> valve{};  ///< closed while the listener has enough; none: never
  run_trace trace{};
  std::uint32_t depth = 0;                                   ///< of sub-workflows
  std::map<std::string, json_value, std::less<>> signals{};  ///< that came before it began
  // Durable runs.
  std::shared_ptr<run_journal> journal{};  ///< none: the run is not recorded
  std::string key_prefix{};                ///< of a sub-workflow's records: "node/"
  /// The run has nothing to do until this time and its actor ends, without a result. Of a
  /// sub-workflow: its node parks. `heard`: the messages that came to it.
  std::function<void(wall_time until, std::uint64_t heard)> on_parked{};
};

/// What one run works on: its plan, its inputs, and what has become of its nodes so far.
///
/// Problem: outputs go from node to node and into the result; sending them through messages would
/// copy handles for every dependant. All actors of a run live on one reactor, so they share this
/// board without a lock: each node's actor writes its own slot once, at its end; the run's actor
/// opens and closes the board. Threads: the run's reactor only.
class run_board final : public reference_scope {
 public:
  run_board(run_setup setup, reactor& home);
  /// Of a run that is only looked at; it has no reactor.
  explicit run_board(run_setup setup);

  [[nodiscard]] const run_plan& plan() const noexcept { return *setup_.plan; }
  /// The run as it was asked for; its inputs have moved into the record.
  [[nodiscard]] const run_setup& setup() const noexcept { return setup_; }
  [[nodiscard]] const run_environment& environment() const noexcept { return setup_.environment; }
  [[nodiscard]] reactor& home() const noexcept { return *home_; }
  [[nodiscard]] const std::string& run_id() const noexcept { return record_->run_id; }
  [[nodiscard]] node_result& slot(std::size_t index) { return record_->nodes[index]; }
  [[nodiscard]] const run_record& record() const noexcept { return *record_; }
  [[nodiscard]] run_record& record() noexcept { return *record_; }
  /// Null where nothing is recorded.
  [[nodiscard]] run_journal* journal() const noexcept { return setup_.journal.get(); }
  /// What the node's records go by. Precondition: there is a journal.
  [[nodiscard]] const std::string& key(std::size_t index) const { return keys_[index]; }
  /// Fills the slot of a node that is recorded as ended; false: it is not.
  [[nodiscard]] bool restore(std::size_t index);
  [[nodiscard]] run_calendar calendar() const { return {record_->wall_started, record_->started}; }
  /// Notes that a node parks, and says until when at least: longer each time.
  [[nodiscard]] wall_time parks_until(std::size_t index, milliseconds asked);
  /// How long a node has been parked, in all: also before its run was revived.
  [[nodiscard]] milliseconds parked_for(std::size_t index) { return parkings_of(index).in_all; }

  /// Until the result is handed out.
  [[nodiscard]] bool open() const noexcept { return open_; }
  /// Ends the board's life and gives the record away; late writers find it closed.
  [[nodiscard]] std::shared_ptr<run_record> close();

  /// What a reference finds: outputs of nodes that have ended, and inputs.
  [[nodiscard]] const node_output* node(std::string_view id_or_name) const override;
  [[nodiscard]] const node_output* variable(std::string_view name) const override;
  /// Outputs of the nodes connected to `index` that have one, joined by an empty line.
  void add_parent_texts(std::size_t index, text_pieces& out) const;
  /// The one parent's output (of a condition: what it decided on); several: their texts joined;
  /// none: the input called "input".
  [[nodiscard]] node_output input_of(std::size_t index) const;
  /// A parent's output counts for a child unless a condition sent the run another way.
  [[nodiscard]] bool passes_on(std::size_t parent, std::size_t child) const;
  /// For callables: inputs and outputs by name.
  [[nodiscard]] json_value variables_json() const;
  [[nodiscard]] json_value outputs_json() const;

  /// Tells the listener, if there is one. `fill` sets the event's own fields; it is not called
  /// when nobody listens.
  template <class Fill>
  void emit(run_event_kind kind, Fill fill) const {
    if (!setup_.listener) return;
    run_event event;
    event.kind = kind;
    event.time = std::chrono::system_clock::now();
    event.run_id = record_->run_id;
    fill(event);
    tell(event);
  }
  /// The same of one node; what the listener throws then becomes the node's error.
  template <class Fill>
  void emit(run_event_kind kind, std::size_t index, Fill fill) const {
    emit(kind, [&](run_event& event) {
      event.node_id = plan().step(index).id;
      event.node_name = plan().step(index).name;
      fill(event);
    });
    if (!thrown_.empty()) faults_.try_emplace(index, std::exchange(thrown_, {}));
  }
  /// What the listener threw first when it was told of this node; nullptr: nothing.
  [[nodiscard]] const std::string* listener_fault(std::size_t index) const noexcept {
    const auto found = faults_.find(index);
    return found == faults_.end() ? nullptr : &found->second;
  }
  /// Tells an event of a sub-workflow in this run's name; gives on what the listener throws.
  void pass_on(run_event event) const {
    event.run_id = record_->run_id;
    if (!open_ || !setup_.listener) return;
    tell(event);
    if (!thrown_.empty()) throw std::runtime_error(std::exchange(thrown_, {}));
  }
  /// Tells the listener how a node ended.
  void announce(std::size_t index) const;
  /// Tells the listener how the run ended.
  void announce_end(const run_result& result) const;
  [[nodiscard]] bool heard() const noexcept { return static_cast<bool>(setup_.listener); }

  /// What the run was told under this name first; nullptr: nothing yet.
  [[nodiscard]] const json_value* signal(std::string_view name) const noexcept;
  [[nodiscard]] const std::map<std::string, json_value, std::less<>>& signals() const noexcept {
    return signals_;
  }
  /// Keeps a signal's value; what comes later under the same name changes nothing.
  void add_signal(std::string name, json_value value);
  /// When this node's wait began; now, the first time it is asked for.
  [[nodiscard]] wall_time waits_since(std::size_t index);

  /// Ends the calls of this run when it ends before them.
  [[nodiscard]] std::stop_source& stop() noexcept { return stop_; }

 private:
  void tell(const run_event& event) const noexcept;
  [[nodiscard]] named_values<json_value> outputs_by_name() const;

  [[nodiscard]] parkings& parkings_of(std::size_t index);

  run_setup setup_;
  reactor* home_ = nullptr;
  std::shared_ptr<run_record> record_;
  std::vector<std::pair<std::string, node_output>> inputs_;
  std::map<std::string, json_value, std::less<>> signals_;
  std::map<std::size_t, wall_time> waits_;
  std::map<std::size_t, parkings> parkings_;
  mutable std::string thrown_;                         // by the listener, when it was told last
  mutable std::map<std::size_t, std::string> faults_;  // of the listener, by node
  std::vector<std::string> keys_;                      // of the nodes; only with a journal
  std::stop_source stop_;
  bool open_ = true;
  mutable bool listener_threw_ = false;
};

}  // namespace graphbit
