#include <graphbit/actors/supervision_tree.hpp>

#include "root_executor.hpp"

namespace graphbit {

std::string_view to_string(policy::child_state state) noexcept {
  switch (state) {
    case policy::child_state::running:
      return "running";
    case policy::child_state::stopping:
      return "stopping";
    case policy::child_state::restarting:
      return "restarting";
    case policy::child_state::stopped:
      return "stopped";
  }
  return "unknown";
}

supervised supervision_tree(runtime& rt) {
  supervised top{.kind = "root executor", .name = rt.options().thread_name_prefix};
  if (const auto root = root_executor::of(rt))
    top.children = (*root)->tree();
  else
    top.state = policy::child_state::stopped;
  return top;
}

json_value to_json(const supervised& tree) {
  json_value out;
  out.set("kind", tree.kind);
  out.set("name", tree.name);
  out.set("state", to_string(tree.state));
  out.set("restarts", std::uint64_t{tree.restarts});
  out.set("mailbox", tree.mailbox ? json_value(std::uint64_t{*tree.mailbox}) : json_value());
  json_value::array children;
  for (const auto& child : tree.children) children.push_back(to_json(child));
  out.set("children", std::move(children));
  return out;
}

}  // namespace graphbit
