#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <graphbit/actors/policy/ready_nodes.hpp>

#include "src/run_board.hpp"

namespace graphbit {

/// Keeps the books of one run: which nodes may start, which are skipped, what failed. Nodes that
/// are recorded as ended are taken from the journal instead of being started, by the same steps
/// that follow a live node's end; so a run that goes on and a run that is only looked at come to
/// the same.
///
/// Threads: those of the board.
class run_progress {
 public:
  explicit run_progress(std::shared_ptr<run_board> board)
      : board_(std::move(board)), plan_(board_->setup().plan), ready_(plan_->graph()) {}

  /// Sets the run's time, and says so to its listener. Gives the nodes to start.
  [[nodiscard]] std::vector<std::uint32_t> begin();
  /// A started node has filled its slot. Gives the nodes to start now.
  [[nodiscard]] std::vector<std::uint32_t> ended(std::uint32_t index);
  /// Everything that has not ended is cancelled.
  void cancel_rest();

  [[nodiscard]] bool done() const noexcept { return ready_.done(); }
  [[nodiscard]] run_state state() const noexcept {
    return ready_.run_failed() ? run_state::failed : run_state::completed;
  }
  /// Of the first node that fails the run.
  [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
  /// What `execute` gives instead of a result.
  [[nodiscard]] std::optional<error> raised() const;

 private:
  void set_times();
  [[nodiscard]] policy::progress progress_of(std::uint32_t index);
  void note_failure(std::uint32_t index);
  void skip(const policy::skipped_node& skipped);
  [[nodiscard]] std::vector<std::uint32_t> proceed(policy::progress p);

  std::shared_ptr<run_board> board_;
  std::shared_ptr<const run_plan> plan_;
  policy::ready_nodes ready_;
  std::optional<error> failure_;
  std::optional<error> agent_failure_;
};

/// The result of a run that has ended, from its journal alone. Nothing is started.
[[nodiscard]] run_result recorded_result(run_setup setup, run_state state,
                                         std::optional<error> failure);

}  // namespace graphbit
