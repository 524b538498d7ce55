#include "src/run_plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "src/prompt.hpp"

namespace graphbit {

namespace {

/// The texts of a node in which references are resolved.
std::vector<std::string_view> texts_with_references(const node& n) {
  struct visitor {
    std::vector<std::string_view> operator()(const agent_spec& s) const {
      return {s.prompt, s.context};
    }
    std::vector<std::string_view> operator()(const transform_spec& s) const {
      return {s.transformation, s.argument};
    }
    std::vector<std::string_view> operator()(const condition_spec&) const { return {}; }
    std::vector<std::string_view> operator()(const map_spec& s) const {
      return {s.items, s.prompt};
    }
    std::vector<std::string_view> operator()(const sub_workflow_spec& s) const {
      std::vector<std::string_view> texts;
      for (const auto& [name, text] : s.inputs) texts.push_back(text);
      return texts;
    }
    std::vector<std::string_view> operator()(const wait_spec&) const { return {}; }
  };
  return std::visit(visitor{}, n.spec);
}

/// Notes which nodes a text asks for, and resolves nothing.
class reference_collector final : public reference_scope {
 public:
  explicit reference_collector(const run_plan& plan) : plan_(plan) {}
  [[nodiscard]] const node_output* node(std::string_view name) const override {
    const std::size_t index = plan_.find(name);
    if (index == workflow::npos) return nullptr;
    found_.push_back(static_cast<std::uint32_t>(index));
    return &nothing_;
  }
  [[nodiscard]] const node_output* variable(std::string_view name) const override {
    return node(name);
  }
  [[nodiscard]] std::vector<std::uint32_t> take() { return std::exchange(found_, {}); }

 private:
  const run_plan& plan_;
  node_output nothing_;
  mutable std::vector<std::uint32_t> found_;
};

std::vector<policy::graph_edge> reference_edges(const run_plan& plan) {
  std::vector<policy::graph_edge> edges;
  reference_collector collector(plan);
  for (std::uint32_t i = 0; i < plan.size(); ++i) {
    for (const std::string_view text : texts_with_references(plan.step(i))) {
      text_pieces ignored;
      expand_references(text, collector, ignored);
    }
    const auto parents = plan.parents(i);
    const auto own = edges.size();  // from here on: those to this node
    for (const std::uint32_t source : collector.take())
      if (source != i && std::find(parents.begin(), parents.end(), source) == parents.end() &&
          std::none_of(edges.begin() + static_cast<std::ptrdiff_t>(own), edges.end(),
                       [&](const auto& e) { return e.from == source; }))
        edges.push_back({source, i, true});
  }
  return edges;
}

}  // namespace

expected<std::shared_ptr<const run_plan>> run_plan::make(std::shared_ptr<const workflow> flow) {
  if (flow->nodes().empty()) return fail(validation_error("workflow", "Workflow cannot be empty"));
  if (auto ok = flow->validate(); !ok)
    return fail(validation_error("workflow", "Invalid workflow: " + ok.error().message));
  std::shared_ptr<run_plan> plan(new run_plan(std::move(flow)));
  plan->pack_parents();
  for (std::uint32_t i = 0; i < plan->size(); ++i)
    if (const auto& name = plan->step(i).output_name; !name.empty())
      plan->output_names_.emplace(name, i);
  if (!plan->build_graph())
    return fail(validation_error("workflow",
                                 "Invalid workflow: Graph error: Workflow graph "
                                 "contains cycles"));
  return plan;
}

void run_plan::pack_parents() {
  const auto& edges = flow_->edges();
  first_.assign(size() + 1, 0);
  for (const auto& [from, to] : edges) ++first_[to + 1];
  for (std::size_t i = 0; i < size(); ++i) first_[i + 1] += first_[i];
  parents_.resize(edges.size());
  auto next = first_;
  for (const auto& [from, to] : edges) parents_[next[to]++] = from;
}

bool run_plan::build_graph() {
  std::vector<policy::graph_edge> edges;
  edges.reserve(flow_->edges().size());
  for (const auto& [from, to] : flow_->edges()) edges.push_back({from, to, false});
  const auto connected = edges.size();
  for (const auto& edge : reference_edges(*this)) edges.push_back(edge);
  auto graph = policy::dataflow_graph::make(size(), edges);
  if (!graph && edges.size() > connected) {
    edges.resize(connected);
    graph = policy::dataflow_graph::make(size(), edges);
  }
  if (!graph) return false;
  graph_ = std::move(*graph);
  return true;
}

std::vector<std::uint32_t> run_plan::successors(std::size_t index) const {
  std::vector<std::uint32_t> out;
  for (const auto& [from, to] : flow_->edges())
    if (from == index) out.push_back(to);
  return out;
}

std::size_t run_plan::find(std::string_view name) const noexcept {
  if (const std::size_t found = flow_->find(name); found != workflow::npos) return found;
  const auto published = output_names_.find(name);
  return published == output_names_.end() ? workflow::npos : published->second;
}

}  // namespace graphbit
