#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <graphbit/actors/node.hpp>
#include <graphbit/actors/run_result.hpp>
#include <graphbit/runtime/tracer.hpp>

namespace graphbit {

/// The spans of one run: run > node > tool call, and the parents of its calls' spans.
///
/// Problem: calls need their parents' ids while the run is under way, but a span is told once, at
/// its end. So ids follow from the run's and the node's place, and nothing is kept. A copyable
/// value; where nothing is traced it only hands the caller's span on.
class run_trace {
 public:
  run_trace() = default;
  /// `caller`: the span that the run belongs to, if any.
  run_trace(std::shared_ptr<tracer> to, const trace_context& caller);

  /// What calls of this node are children of.
  [[nodiscard]] trace_context node(std::size_t index) const noexcept {
    return to_ ? run_.numbered_child(index) : run_;
  }
  /// The trace of a sub-workflow that this node runs.
  [[nodiscard]] run_trace within(std::size_t index) const;

  void node_ended(const run_record& record, const graphbit::node& step, std::size_t index) const;
  void run_ended(const run_record& record) const;

 private:
  void tool_ended(const tool_call_record& record, const trace_context& node,
                  std::size_t number) const;

  std::shared_ptr<tracer> to_;  // none: nothing is traced
  trace_context run_;
  std::uint64_t parent_ = 0;
};

}  // namespace graphbit
