#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/run_event.hpp>
#include <graphbit/actors/run_result.hpp>
#include <graphbit/actors/workflow.hpp>
#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

/// What a runtime does right now, as one JSON value: what the dashboard, `graphbit top` and tests
/// look at. docs/observability.md describes its form.
///
/// Problem: runs, nodes, providers and actors live on many threads, and whoever looks must not slow
/// them down. Runs are followed through their events, and only once somebody has asked for it;
/// everything else is read when the picture is taken.
///
/// Lifecycle: `rt.service<live_state>()`. Threads: any, but `snapshot` not on a reactor's.
class live_state {
 public:
  /// Finished runs that are remembered, and runs and nodes of one run that a picture holds.
  static constexpr std::size_t finished_max = 50;      ///< finished runs that are remembered
  static constexpr std::size_t runs_shown_max = 100;   ///< runs that a picture holds
  static constexpr std::size_t nodes_shown_max = 300;  ///< nodes of one run that a picture holds

  /// Use `rt.service<live_state>()`.
  explicit live_state(runtime& rt);
  ~live_state();
  live_state(const live_state&) = delete;
  live_state& operator=(const live_state&) = delete;

  /// From now on runs are followed.
  void follow_runs() noexcept;
  /// Whether anybody has asked for it.
  [[nodiscard]] bool follows_runs() const noexcept;
  /// Wraps what a run tells, so that it is followed. Precondition: follows_runs().
  void follow(std::shared_ptr<const workflow> flow, const std::string& run_id,
              run_listener& listener, executor::done_callback& done);

  /// A part of the picture that another room knows, such as "cluster": its value under that name.
  /// Until the handle is dropped. `read` is called on any thread and may take some milliseconds.
  [[nodiscard]] std::shared_ptr<void> add_section(std::string name,
                                                  std::function<json_value()> read);

  /// The picture. Waits at most about a second for actors that are busy.
  [[nodiscard]] json_value snapshot();
  /// Of a finished run that is still remembered.
  [[nodiscard]] std::optional<run_result> result_of(const std::string& run_id) const;

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace graphbit
