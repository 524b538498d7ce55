#include <graphbit/actors/node.hpp>

#include <cmath>
#include <utility>

#include <graphbit/actors/condition_expression.hpp>
#include <graphbit/runtime/random.hpp>

#include "src/json_schema.hpp"
#include "src/uuid_text.hpp"

namespace graphbit {

namespace {

bool blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

expected<void> require(bool holds, std::string field, std::string message, std::string value = {}) {
  if (holds) return {};
  return fail(validation_error(std::move(field), std::move(message), std::move(value)));
}

expected<void> check_model(const model_settings& m) {
  if (m.temperature && !(*m.temperature >= 0.0 && *m.temperature <= 2.0))
    return fail(validation_error("temperature", "Temperature must be between 0.0 and 2.0",
                                 std::to_string(*m.temperature)));
  if (m.max_tokens && *m.max_tokens == 0)
    return fail(validation_error("max_tokens", "max_tokens must be greater than 0", "0"));
  if (m.output_schema.empty()) return {};
  const auto schema = parse_json(m.output_schema);
  if (!schema || !schema->is_object())
    return fail(validation_error("output_schema",
                                 "output_schema must be a JSON schema: an object in JSON text"));
  const auto unusable = first_unusable_pattern(*schema);
  return require(!unusable, "output_schema",
                 unusable ? "the pattern at " + unusable->path + " cannot be used: " +
                                unusable->message + " (RE2's syntax, without look-around)"
                          : std::string());
}

expected<void> check_spec(const agent_spec& s) {
  if (blank(s.prompt)) return fail(validation_error("prompt", "Prompt cannot be empty"));
  if (auto ok = check_model(s.model); !ok) return ok;
  if (!s.max_iterations) return {};
  return require(*s.max_iterations >= 1 && *s.max_iterations <= 100, "max_iterations",
                 "max_iterations must be between 1 and 100", std::to_string(*s.max_iterations));
}

expected<void> check_spec(const transform_spec& s) {
  if (s.function) return {};
  if (blank(s.transformation))
    return fail(validation_error("transformation", "Transform transformation cannot be empty"));
  return {};  // an unknown name fails its node when it runs: upstream takes any text here
}

expected<void> check_spec(const condition_spec& s) {
  if (s.handler) return {};
  if (blank(s.expression))
    return fail(validation_error("expression", "Condition expression cannot be empty"));
  if (auto parsed = condition_expression::parse(s.expression); !parsed) {
    error e = std::move(parsed.error());
    e.message = "condition expression: " + e.message;
    return fail(std::move(e));
  }
  return {};
}

expected<void> check_spec(const map_spec& s) {
  if (blank(s.prompt)) return fail(validation_error("prompt", "Map prompt cannot be empty"));
  if (auto ok = check_model(s.model); !ok) return ok;
  return require(s.in_flight_max > 0, "in_flight_max", "in_flight_max must be greater than 0", "0");
}

expected<void> check_spec(const sub_workflow_spec& s) {
  return require(s.flow != nullptr, "workflow", "Sub-workflow node needs a workflow");
}

expected<void> check_spec(const wait_spec& s) {
  if (auto ok = require(!blank(s.signal) || s.length.has_value(), "signal",
                        "A wait needs the name of a signal, or a time");
      !ok)
    return ok;
  return require(!s.length || (s.length->count() >= 0 && *s.length <= wait_spec::length_max),
                 "length", "A wait lasts from 0 seconds to 3650 days",
                 s.length ? std::to_string(s.length->count()) + " ms" : "");
}

/// How the contract's messages call a node of this kind: "Name", "Transform name", ...
std::string name_label(node_kind kind) {
  switch (kind) {
    case node_kind::agent:
      return "Name";
    case node_kind::transform:
      return "Transform name";
    case node_kind::condition:
      return "Condition name";
    case node_kind::map:
      return "Map name";
    case node_kind::sub_workflow:
      return "Sub-workflow name";
    case node_kind::wait:
      return "Wait name";
  }
  return "Name";
}

expected<node> make(std::string name, node::spec_type spec) {
  node n;
  n.name = std::move(name);
  n.spec = std::move(spec);
  if (auto ok = n.check(); !ok) return fail(ok.error());
  n.id = make_uuid();
  return n;
}

void show_provider(json_value& out, const provider_config& c) {
  json_value shown;
  shown.set("provider", c.provider);
  shown.set("model", c.model);
  if (!c.base_url.empty()) shown.set("base_url", c.base_url);
  out.set("llm_config", std::move(shown));
}

void show_model(json_value& out, const model_settings& m) {
  if (!m.system_prompt.empty()) out.set("system_prompt", m.system_prompt);
  if (m.provider) show_provider(out, *m.provider);
  if (m.temperature) out.set("temperature", *m.temperature);
  if (m.max_tokens) out.set("max_tokens", std::uint64_t{*m.max_tokens});
  if (m.prompt_caching) out.set("enable_prompt_caching", true);
  if (!m.output_schema.empty())
    out.set("output_schema", parse_json(m.output_schema).value_or(json_value()));
}

void show_tools(json_value& out, const std::vector<tool>& tools) {
  if (tools.empty()) return;
  json_value::array names, schemas;
  for (const tool& t : tools) {
    names.emplace_back(t.spec.name);
    json_value schema;
    schema.set("name", t.spec.name);
    schema.set("description", t.spec.description);
    schema.set("parameters", parse_json(t.spec.parameters).value_or(json_value()));
    schemas.push_back(std::move(schema));
  }
  out.set("tools", std::move(names));
  out.set("tool_schemas", std::move(schemas));
}

}  // namespace

std::string_view to_string(failure_policy policy) noexcept {
  switch (policy) {
    case failure_policy::fail:
      return "fail";
    case failure_policy::skip:
      return "skip";
    case failure_policy::continue_with_null:
      return "continue";
  }
  return "fail";
}

std::string_view to_string(node_kind kind) noexcept {
  switch (kind) {
    case node_kind::agent:
      return "Agent";
    case node_kind::transform:
      return "Transform";
    case node_kind::condition:
      return "Condition";
    case node_kind::map:
      return "Map";
    case node_kind::sub_workflow:
      return "Workflow";
    case node_kind::wait:
      return "Wait";
  }
  return "Agent";
}

expected<node> node::agent(std::string name, agent_spec spec) {
  if (spec.agent_id.empty())
    spec.agent_id = make_uuid();
  else if (!is_uuid(spec.agent_id))
    spec.agent_id = make_uuid_v5_dns(spec.agent_id);
  return make(std::move(name), std::move(spec));
}

expected<node> node::transform(std::string name, transform_spec spec) {
  return make(std::move(name), std::move(spec));
}

expected<node> node::condition(std::string name, condition_spec spec) {
  return make(std::move(name), std::move(spec));
}

expected<node> node::map(std::string name, map_spec spec) {
  return make(std::move(name), std::move(spec));
}

expected<node> node::sub_workflow(std::string name, sub_workflow_spec spec) {
  return make(std::move(name), std::move(spec));
}

expected<node> node::wait(std::string name, wait_spec spec) {
  return make(std::move(name), std::move(spec));
}

expected<void> node::check() const {
  if (blank(name)) return fail(validation_error("name", name_label(kind()) + " cannot be empty"));
  return std::visit([](const auto& s) { return check_spec(s); }, spec);
}

json_value node::config() const {
  json_value out{json_value::object{}};
  if (!output_name.empty()) out.set("output_name", output_name);
  if (const auto* agent = std::get_if<agent_spec>(&spec)) {
    show_model(out, agent->model);
    if (agent->max_iterations) out.set("max_iterations", std::uint64_t{*agent->max_iterations});
    show_tools(out, agent->tools);
  } else if (const auto* map = std::get_if<map_spec>(&spec)) {
    show_model(out, map->model);
  }
  if (on_failure != failure_policy::fail) out.set("on_failure", to_string(on_failure));
  return out;
}

}  // namespace graphbit
