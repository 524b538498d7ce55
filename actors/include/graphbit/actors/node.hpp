#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <graphbit/actors/callable.hpp>
#include <graphbit/actors/tool.hpp>
#include <graphbit/net/provider_config.hpp>

namespace graphbit {

class workflow;

/// What a failed node means for the rest of its run.
enum class failure_policy : std::uint8_t {
  fail,               ///< dependants are skipped, other branches finish, the run is failed
  skip,               ///< dependants are skipped, the run completes
  continue_with_null  ///< dependants get a null, the run completes
};
/// "fail", "skip" or "continue".
[[nodiscard]] std::string_view to_string(failure_policy policy) noexcept;

/// How a node asks a model; shared by agent and map nodes.
struct model_settings {
  std::optional<provider_config> provider;  ///< none: the executor's
  std::string system_prompt;                ///< references in it are not expanded
  std::optional<double> temperature;        ///< 0 to 2
  std::optional<std::uint32_t> max_tokens;  ///< of the answer; none: the configuration's
  bool prompt_caching = false;              ///< mark the prompt for the provider's cache
  std::string output_schema;  ///< JSON schema text that the answer must fit; empty: free text
};

/// Asks a model. The prompt may refer to outputs of earlier nodes and to inputs of the run:
/// `{{node.NAME}}`, `{{node.NAME.key.0}}` (a path into JSON), `{NAME}`. What does not resolve stays
/// as it was typed; references inside outputs are never expanded.
struct agent_spec {
  std::string prompt{};       ///< with references
  std::string context{};      ///< goes before the parents' outputs
  std::string agent_id{};     ///< empty: made; no UUID: the UUIDv5 of the text in the DNS namespace
  model_settings model{};     ///< how the model is asked
  std::vector<tool> tools{};  ///< that the model may call
  std::optional<std::uint32_t> max_iterations{};  ///< 1 to 100; limits::tool_iterations_max
};

/// Turns the parent's output (several: joined by an empty line) into another value.
/// Named: uppercase, lowercase, trim, first, last, json_extract (argument: path "a.b.0"),
/// template (argument: text with references as in prompts, and `{input}`), split (argument:
/// separator, default an empty line; gives a list), chunk (argument: bytes, default 4000; gives a
/// list of pieces cut where a reader would pause), join (argument: separator, default a newline).
struct transform_spec {
  std::string transformation;  ///< one of the names above
  std::string argument;        ///< of the named transformation
  /// Instead of a name. Arguments: `input` (the value), `inputs` (all parents' outputs by name),
  /// `variables`. Its result is the output.
  callable function;
};

/// Chooses one of its direct successors; nodes only reachable through the others are skipped.
/// Its one parent's output is what it decides on; its own output is the chosen name.
struct condition_spec {
  /// In the grammar of condition_expression.hpp. A text result names a successor; true chooses
  /// the successor connected first, false the one connected second (none: the branch ends).
  std::string expression;
  /// Instead of an expression. Arguments: `parent_node_id`, `parent_output`, `variables`,
  /// `node_outputs`, `metadata`. Must return the name of a direct successor.
  callable handler;
};

/// Asks a model once per item of a list, and joins the answers in the items' order.
struct map_spec {
  std::string items;   ///< reference to the list, as in prompts; empty: the parent's output
  std::string prompt;  ///< as an agent's, and `{item}`, `{index}` (from 0), `{count}`
  std::optional<std::string> join;    ///< output is one text with this between; none: a JSON list
  std::uint32_t in_flight_max = 256;  ///< items that are asked at once
  model_settings model;               ///< how the model is asked
};

/// Runs another workflow with `inputs` (texts with references, as in prompts) and `{input}`, the
/// parents' output. The outputs of its last nodes are its output (several: an object by name).
struct sub_workflow_spec {
  std::shared_ptr<const workflow> flow;                     ///< what is run
  std::vector<std::pair<std::string, std::string>> inputs;  ///< names and texts with references
};

/// Waits for a signal to the run (`executor::signal`), or for a time. A wait takes no thread, and
/// in a durable run no memory either: days are fine.
struct wait_spec {
  static constexpr milliseconds length_max = std::chrono::hours{24 * 3650};  ///< ten years

  /// Its value is the output. Empty: a timer, whose output is its parents'.
  std::string signal;
  /// The timer's length. With a signal: fails with Timeout{operation=signal} when it did not come
  /// by then; none: waits for ever.
  std::optional<milliseconds> length;
};

/// What a node does.
enum class node_kind : std::uint8_t { agent, transform, condition, map, sub_workflow, wait };
/// "Agent", "Transform", "Condition", "Map", "Workflow", "Wait".
[[nodiscard]] std::string_view to_string(node_kind kind) noexcept;

/// One step of a workflow. The factories check their arguments (Validation errors in the
/// contract's words) and give the node a random id. A value: copies are equal steps.
struct node {
  /// What a node of each kind needs to know.
  using spec_type = std::variant<agent_spec, transform_spec, condition_spec, map_spec,
                                 sub_workflow_spec, wait_spec>;

  std::string id;           ///< UUID
  std::string name;         ///< what prompts, connections and results refer to
  spec_type spec;           ///< says what kind of node it is
  std::string output_name;  ///< the output is also published under this name
  failure_policy on_failure = failure_policy::fail;  ///< what its failure means for the run

  /// A step that asks a model.
  [[nodiscard]] static expected<node> agent(std::string name, agent_spec spec);
  /// A step that turns a value into another.
  [[nodiscard]] static expected<node> transform(std::string name, transform_spec spec);
  /// A step that chooses what comes next.
  [[nodiscard]] static expected<node> condition(std::string name, condition_spec spec);
  /// A step that asks a model once per item.
  [[nodiscard]] static expected<node> map(std::string name, map_spec spec);
  /// A step that runs another workflow.
  [[nodiscard]] static expected<node> sub_workflow(std::string name, sub_workflow_spec spec);
  /// A step that waits for a signal or a time.
  [[nodiscard]] static expected<node> wait(std::string name, wait_spec spec);

  /// Which of them it is.
  [[nodiscard]] node_kind kind() const noexcept { return static_cast<node_kind>(spec.index()); }
  /// Checks the fields once more, as `workflow::validate` does for nodes built by hand.
  [[nodiscard]] expected<void> check() const;
  /// What the contract's `get_config` shows: only what was given; never a key.
  [[nodiscard]] json_value config() const;
};

}  // namespace graphbit
