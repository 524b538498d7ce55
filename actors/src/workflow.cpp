#include <graphbit/actors/workflow.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include <graphbit/actors/policy/ready_nodes.hpp>
#include <graphbit/runtime/random.hpp>

#include "src/uuid_text.hpp"

namespace graphbit {

namespace {

error graph_error(std::string message) { return core_error("Graph error: " + std::move(message)); }

expected<void> check_acyclic(const workflow& flow) {
  std::vector<policy::graph_edge> edges;
  edges.reserve(flow.edges().size());
  for (const auto& [from, to] : flow.edges()) edges.push_back({from, to, false});
  const auto graph = policy::dataflow_graph::make(flow.nodes().size(), edges);
  if (graph) return {};
  if (graph.error().what == policy::graph_fault::fault::unknown_node)
    return fail(graph_error("An edge names a node that does not exist"));
  return fail(graph_error("Workflow graph contains cycles"));
}

expected<void> check_nodes(const workflow& flow) {
  for (const auto& n : flow.nodes())
    if (auto ok = n->check(); !ok)
      return fail(graph_error("Node '" + n->name + "': " + ok.error().message));
  return {};
}

expected<void> check_conditions(const workflow& flow) {
  std::set<std::pair<std::uint32_t, std::string_view>> seen;
  for (const auto& [from, to] : flow.edges()) {
    const node& source = *flow.nodes()[from];
    const node& target = *flow.nodes()[to];
    if (source.kind() == node_kind::condition && !seen.insert({from, target.name}).second)
      return fail(graph_error("Condition node '" + source.name +
                              "' has two direct successors named '" + target.name +
                              "'; it chooses by name, so give them distinct names"));
  }
  return {};
}

expected<void> check_agent_ids(const workflow& flow) {
  std::set<std::string_view> seen;
  for (const auto& n : flow.nodes()) {
    const auto* agent = std::get_if<agent_spec>(&n->spec);
    if (agent == nullptr || agent->agent_id.empty()) continue;
    if (!seen.insert(agent->agent_id).second)
      return fail(graph_error(
          "Duplicate agent_id detected. Each agent_id must be unique across the "
          "workflow. Node '" +
          n->name + "' uses agent_id " + agent->agent_id + ", which another node has already"));
  }
  return {};
}

expected<void> check_names(const workflow& flow) {
  const auto& flags = flow.metadata();
  const bool unique = std::any_of(flags.begin(), flags.end(), [](const auto& flag) {
    return flag.first == "enforce_unique_node_names" && flag.second;
  });
  if (!unique) return {};
  std::set<std::string_view> seen;
  for (const auto& n : flow.nodes())
    if (!seen.insert(n->name).second)
      return fail(graph_error(
          "Duplicate node names not allowed (enforce_unique_node_names=true): '" + n->name + "'"));
  return {};
}

}  // namespace

workflow::workflow(std::string name, std::string description)
    : contents_(std::make_shared<contents>()) {
  contents_->id = make_uuid();
  contents_->name = std::move(name);
  contents_->description = std::move(description);
}

workflow::contents& workflow::own() {
  if (contents_.use_count() > 1) contents_ = std::make_shared<contents>(*contents_);
  return *contents_;
}

expected<std::string> workflow::add_node(node n) {
  if (n.id.empty()) n.id = make_uuid();
  if (contents_->by_id.contains(n.id)) return fail(graph_error("Node already exists: " + n.id));
  contents& c = own();
  const auto index = static_cast<std::uint32_t>(c.nodes.size());
  const auto& added = *c.nodes.emplace_back(std::make_shared<const node>(std::move(n)));
  c.by_id.emplace(added.id, index);
  c.by_name.emplace(added.name, index);
  return added.id;
}

expected<void> workflow::connect(std::string_view from, std::string_view to) {
  const auto look_up = [&](std::string_view which, std::string_view end,
                           std::string field) -> expected<std::uint32_t> {
    const std::size_t found = find(which);
    if (found != npos) return static_cast<std::uint32_t>(found);
    const std::string text(which), label(end);
    if (is_uuid(which))
      return fail(validation_error(std::move(field),
                                   "Graph error: " + label + " node " + text + " not found"));
    return fail(validation_error(std::move(field), label + " node " + text + " not found"));
  };
  const auto source = look_up(from, "Source", "from_id");
  if (!source) return fail(source.error());
  const auto target = look_up(to, "Target", "to_id");
  if (!target) return fail(target.error());
  const std::uint64_t key = std::uint64_t{*source} << 32 | *target;
  if (contents_->edge_keys.contains(key)) return {};
  contents& c = own();
  c.edges.emplace_back(*source, *target);
  c.edge_keys.insert(key);
  return {};
}

void workflow::set_metadata(std::string key, bool value) {
  auto& flags = own().metadata;
  const auto known =
      std::find_if(flags.begin(), flags.end(), [&](const auto& flag) { return flag.first == key; });
  if (known != flags.end())
    known->second = value;
  else
    flags.emplace_back(std::move(key), value);
}

expected<void> workflow::validate() const {
  for (const auto check :
       {check_acyclic, check_nodes, check_conditions, check_agent_ids, check_names})
    if (auto ok = check(*this); !ok) return ok;
  return {};
}

std::size_t workflow::find(std::string_view id_or_name) const noexcept {
  const contents& c = *contents_;
  if (const auto by_id = c.by_id.find(id_or_name); by_id != c.by_id.end()) return by_id->second;
  if (const auto by_name = c.by_name.find(id_or_name); by_name != c.by_name.end())
    return by_name->second;
  return npos;
}

}  // namespace graphbit
