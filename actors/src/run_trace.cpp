#include "src/run_trace.hpp"

#include <string>
#include <utility>
#include <variant>

#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/random.hpp>

#include "src/call_metrics.hpp"

namespace graphbit {

namespace {

// The clock's part tells a forked child's ids from its parent's.
random_source new_ids() {
  thread_local random_source seeds = random_source::from_system();
  return random_source(seeds.next() ^
                       static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count()));
}

std::string kind_word(node_kind kind) {
  std::string word(to_string(kind));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

void fail_span(trace_span& span, const error& failure) {
  span.failed = true;
  span.failure = std::string(to_string(failure.kind));
  span.set("error.type", error_type(failure));
}

// Tool calls are numbered beyond any node of the same parent.
constexpr std::uint64_t first_tool = std::uint64_t{1} << 32;

}  // namespace

run_trace::run_trace(std::shared_ptr<tracer> to, const trace_context& caller) : run_(caller) {
  if (to == nullptr || !to->on() || (caller.valid() && !caller.sampled)) return;
  to_ = std::move(to);
  auto ids = new_ids();
  parent_ = caller.span;
  run_ = caller.child(ids);
}

run_trace run_trace::within(std::size_t index) const {
  run_trace sub;
  sub.to_ = to_;
  sub.run_ = to_ ? node(index).numbered_child(0) : run_;
  sub.parent_ = node(index).span;
  return sub;
}

void run_trace::node_ended(const run_record& record, const graphbit::node& step,
                           std::size_t index) const {
  if (!to_) return;
  const node_result& result = record.nodes[index];
  const bool agent = step.kind() == node_kind::agent;
  trace_span span;
  span.attributes.reserve(8);
  span.context = node(index);
  span.parent = run_.span;
  span.name = (agent ? "invoke_agent" : kind_word(step.kind())) + " " + step.name;
  span.started = result.started;
  span.ended = result.ended;
  if (agent) {
    span.set("gen_ai.operation.name", "invoke_agent");
    span.set("gen_ai.agent.name", step.name);
    span.set("gen_ai.agent.id", step.id);
  }
  span.set("graphbit.run.id", record.run_id);
  span.set("graphbit.node.name", step.name);
  span.set("graphbit.node.kind", kind_word(step.kind()));
  span.set("graphbit.node.status", to_string(result.status));
  if (result.failure) fail_span(span, *result.failure);
  to_->record(std::move(span));
  std::size_t number = 0;
  for (const auto& execution : result.executions)
    if (const auto* tool = std::get_if<tool_call_record>(&execution))
      tool_ended(*tool, node(index), number++);
}

void run_trace::tool_ended(const tool_call_record& record, const trace_context& node,
                           std::size_t number) const {
  trace_span span;
  span.context = node.numbered_child(first_tool + number);
  span.parent = node.span;
  span.name = "execute_tool " + record.call.name;
  span.started = record.started;
  span.ended = record.ended;
  span.set("gen_ai.operation.name", "execute_tool");
  span.set("gen_ai.tool.name", record.call.name);
  span.set("gen_ai.tool.type", "function");
  if (!record.call.id.empty()) span.set("gen_ai.tool.call.id", record.call.id);
  if (to_->content()) {
    span.set("gen_ai.tool.call.arguments", record.call.arguments);
    span.set("gen_ai.tool.call.result", record.output);
  }
  if (!record.success) {
    span.failed = true;
    span.failure = "the tool failed";
    span.set("error.type", "_OTHER");
  }
  to_->record(std::move(span));
}

void run_trace::run_ended(const run_record& record) const {
  if (!to_) return;
  const std::string& name = record.flow->name();
  trace_span span;
  span.attributes.reserve(8);
  span.context = run_;
  span.parent = parent_;
  span.name = name.empty() ? "invoke_workflow" : "invoke_workflow " + name;
  span.started = record.started;
  span.ended = record.ended;
  span.set("gen_ai.operation.name", "invoke_workflow");
  if (!name.empty()) span.set("gen_ai.workflow.name", name);
  span.set("graphbit.run.id", record.run_id);
  span.set("graphbit.run.state", to_string(record.state));
  span.set("graphbit.run.nodes", static_cast<std::int64_t>(record.nodes.size()));
  if (record.failure) fail_span(span, *record.failure);
  to_->record(std::move(span));
}

}  // namespace graphbit
