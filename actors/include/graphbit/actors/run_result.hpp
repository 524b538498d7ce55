#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <graphbit/actors/node_output.hpp>
#include <graphbit/actors/workflow.hpp>
#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit {

/// Where a node is in its life.
enum class node_status : std::uint8_t { pending, running, completed, failed, skipped, cancelled };
/// "Completed", ...
[[nodiscard]] std::string_view to_string(node_status status) noexcept;

/// Where a run is in its life.
enum class run_state : std::uint8_t { pending, running, completed, failed, cancelled };
/// "Completed", ...
[[nodiscard]] std::string_view to_string(run_state state) noexcept;

/// A text made of shared pieces: outputs are referred to, not copied, until someone reads it.
class text_pieces {
 public:
  /// `text` must live as long as `owner`, or as the workflow when there is no owner.
  void add(std::string_view text, std::shared_ptr<const void> owner = nullptr) {
    if (text.empty()) return;
    bytes_ += text.size();
    pieces_.push_back({text, std::move(owner)});
  }
  /// Adds a text of its own.
  void add_owned(std::string text);
  /// Adds another's pieces.
  void append(text_pieces&& more);
  /// Of all pieces.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// No text at all.
  [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
  /// One text, copied together.
  [[nodiscard]] std::string str() const;

 private:
  struct piece {
    std::string_view text;
    std::shared_ptr<const void> owner;
  };
  std::vector<piece> pieces_;
  std::size_t bytes_ = 0;
};

/// One call to a model, as it happened.
struct llm_call_record {
  std::uint32_t iteration = 1;        ///< of the agent's turns with its tools, from 1
  text_pieces input;                  ///< the user's text of the request
  node_output output;                 ///< the answer's text
  std::string id;                     ///< of the answer
  std::string model;                  ///< that answered
  std::string provider;               ///< which configured one
  std::string request_id;             ///< the provider's, from the response headers
  finish_reason finish;               ///< why the model stopped
  token_usage usage;                  ///< zeros where the provider told nothing
  std::uint32_t attempts = 1;         ///< requests that were sent
  std::optional<double> cost;         ///< US dollars by the price table; none: no price is known
  std::vector<tool_call> tool_calls;  ///< that the model asked for
  time_point started{};               ///< by the process's clock
  time_point ended{};                 ///< never before `started`
  std::optional<error> failure;       ///< why there is no answer
};

/// One call of a tool, as it happened.
struct tool_call_record {
  tool_call call;        ///< what the model asked for
  std::string output;    ///< what the model was told: the result's text, or the error's
  bool success = false;  ///< the tool returned
  time_point started{};  ///< by the process's clock
  time_point ended{};    ///< never before `started`
};

/// What became of one node.
struct node_result {
  node_status status = node_status::pending;  ///< what became of it
  std::optional<error> failure;               ///< failed
  std::string why;                            ///< skipped: the reason, in words
  node_output output;                         ///< null unless it completed
  time_point started{};                       ///< by the process's clock
  time_point ended{};                         ///< never before `started`
  text_pieces user_input;  ///< agent: the resolved prompt without the parents' outputs
  std::string chosen;      ///< condition: the successor's name
  /// Agents: why the model stopped ("stop", "length", ...), "max_iterations", "invalid_output" or
  /// "error"; other nodes: "completed" or "error".
  std::string exit_reason;
  std::vector<std::variant<llm_call_record, tool_call_record>> executions;  ///< in order of start
};

/// Raw facts of one finished run; `run_result` reads them.
struct run_record {
  std::string run_id;                    ///< as given, or made
  std::shared_ptr<const workflow> flow;  ///< what was run
  json_value inputs;                     ///< object
  run_state state = run_state::pending;  ///< how it ended
  std::optional<error> failure;          ///< of the run: its first failed node's, or its own
  std::optional<error> raised;           ///< what `execute` gives instead of the result
  std::vector<node_result> nodes;        ///< in the order of `flow->nodes()`
  std::vector<std::uint32_t> completed;  ///< nodes by the order in which they completed
  std::chrono::system_clock::time_point wall_started{};  ///< by the calendar
  time_point started{};                                  ///< by the process's clock
  time_point ended{};                                    ///< never before `started`
};

/// What a run came to. A cheap value. Outputs, variables and metadata are built when asked for,
/// so that they cost nothing when nobody does.
class run_result {
 public:
  /// Of a finished run.
  explicit run_result(std::shared_ptr<const run_record> record) : record_(std::move(record)) {}

  /// The facts that all of this is read from.
  [[nodiscard]] const run_record& record() const noexcept { return *record_; }
  /// How it ended.
  [[nodiscard]] run_state state() const noexcept { return record_->state; }
  /// `Completed`, `Failed { error: "..." }`, `Cancelled`.
  [[nodiscard]] std::string state_text() const;
  /// It completed.
  [[nodiscard]] bool is_success() const noexcept { return state() == run_state::completed; }
  /// It failed; a cancelled run did not.
  [[nodiscard]] bool is_failed() const noexcept { return state() == run_state::failed; }
  /// The error that a blocking `execute` gives instead of this result (SEMANTICS of failures).
  [[nodiscard]] const std::optional<error>& raised() const noexcept { return record_->raised; }
  /// From its start to its end.
  [[nodiscard]] milliseconds execution_time() const;

  /// By id, name or output name; nullptr where there is none.
  [[nodiscard]] const node_result* node_named(std::string_view id_or_name) const noexcept;
  /// By its place in the workflow. Throws std::out_of_range.
  [[nodiscard]] const node_result& node_at(std::size_t index) const {
    return record_->nodes.at(index);
  }
  /// Text, or JSON text for what is no string; nothing for unknown nodes and nulls.
  [[nodiscard]] std::optional<std::string> output_of(std::string_view id_or_name) const;
  /// One entry per id, per name and per output name; nulls left out.
  [[nodiscard]] std::vector<std::pair<std::string, json_value>> outputs() const;
  /// Inputs as text, and under each node's names its output as JSON text.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> variables() const;
  /// One of `variables`.
  [[nodiscard]] std::optional<std::string> variable(std::string_view name) const;

  /// Contract section 7; null for unknown nodes and those that never started.
  [[nodiscard]] json_value node_metadata(std::string_view id_or_name) const;
  /// An object by node id.
  [[nodiscard]] json_value all_node_metadata() const;
  /// What the run and its nodes used, as an object.
  [[nodiscard]] json_value workflow_metadata() const;
  /// Tokens of all its calls.
  [[nodiscard]] token_usage total_usage() const;
  /// Status, output and error per node; what `graphbit run --json` writes.
  [[nodiscard]] json_value to_json() const;

 private:
  [[nodiscard]] std::size_t index_of(std::string_view id_or_name) const noexcept;
  [[nodiscard]] json_value metadata_at(std::size_t index) const;
  [[nodiscard]] std::string time_text(time_point t) const;

  std::shared_ptr<const run_record> record_;
};

}  // namespace graphbit
