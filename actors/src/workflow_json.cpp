// Workflows as files: the form that docs/workflow.schema.json describes.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include <graphbit/actors/workflow.hpp>
#include <graphbit/runtime/limits.hpp>
#include <graphbit/runtime/random.hpp>

#include "src/uuid_text.hpp"

namespace graphbit {

namespace {

constexpr std::int64_t format_version = 1;

// ---- writing ------------------------------------------------------------------------------------

void put_text(json_value& out, const char* key, const std::string& text) {
  if (!text.empty()) out.set(key, text);
}

void put_provider(json_value& out, const provider_config& c) {
  json_value shown;
  shown.set("provider", c.provider);
  put_text(shown, "model", c.model);
  put_text(shown, "base_url", c.base_url);
  out.set("llm_config", std::move(shown));
}

void put_model(json_value& out, const model_settings& m) {
  put_text(out, "system_prompt", m.system_prompt);
  if (m.provider) put_provider(out, *m.provider);
  if (m.temperature) out.set("temperature", *m.temperature);
  if (m.max_tokens) out.set("max_tokens", std::uint64_t{*m.max_tokens});
  if (m.prompt_caching) out.set("enable_prompt_caching", true);
  if (!m.output_schema.empty())
    out.set("output_schema", parse_json(m.output_schema).value_or(json_value()));
}

void put_callable(json_value& out, const char* key, const callable& c) {
  if (!c) return;
  out.set(key, c.name);
  if (c.timeout.count() > 0) out.set("timeout_ms", std::int64_t{c.timeout.count()});
}

json_value tool_json(const tool& t) {
  json_value out;
  out.set("name", t.spec.name);
  put_text(out, "description", t.spec.description);
  out.set("parameters", parse_json(t.spec.parameters).value_or(json_value()));
  put_callable(out, "callable", t.function);
  return out;
}

struct spec_writer {
  json_value& out;

  void operator()(const agent_spec& s) const {
    out.set("prompt", s.prompt);
    put_text(out, "context", s.context);
    put_text(out, "agent_id", s.agent_id);
    put_model(out, s.model);
    if (s.max_iterations) out.set("max_iterations", std::uint64_t{*s.max_iterations});
    if (s.tools.empty()) return;
    json_value::array tools;
    for (const tool& t : s.tools) tools.push_back(tool_json(t));
    out.set("tools", std::move(tools));
  }
  void operator()(const transform_spec& s) const {
    put_text(out, "transformation", s.transformation);
    put_text(out, "argument", s.argument);
    put_callable(out, "callable", s.function);
  }
  void operator()(const condition_spec& s) const {
    put_text(out, "expression", s.expression);
    put_callable(out, "callable", s.handler);
  }
  void operator()(const map_spec& s) const {
    put_text(out, "items", s.items);
    out.set("prompt", s.prompt);
    if (s.join) out.set("join", *s.join);
    if (s.in_flight_max != map_spec{}.in_flight_max)
      out.set("in_flight_max", std::uint64_t{s.in_flight_max});
    put_model(out, s.model);
  }
  void operator()(const sub_workflow_spec& s) const {
    out.set("workflow", s.flow->to_json());
    if (s.inputs.empty()) return;
    json_value inputs;
    for (const auto& [name, text] : s.inputs) inputs.set(name, text);
    out.set("inputs", std::move(inputs));
  }
  void operator()(const wait_spec& s) const {
    put_text(out, "signal", s.signal);
    if (s.length) out.set("length_ms", std::int64_t{s.length->count()});
  }
};

std::string_view type_name(node_kind kind) noexcept {
  switch (kind) {
    case node_kind::agent:
      return "agent";
    case node_kind::transform:
      return "transform";
    case node_kind::condition:
      return "condition";
    case node_kind::map:
      return "map";
    case node_kind::sub_workflow:
      return "workflow";
    case node_kind::wait:
      return "wait";
  }
  return "agent";
}

json_value node_json(const node& n) {
  json_value out;
  out.set("type", type_name(n.kind()));
  out.set("name", n.name);
  out.set("id", n.id);
  std::visit(spec_writer{out}, n.spec);
  put_text(out, "output_name", n.output_name);
  if (n.on_failure != failure_policy::fail) out.set("on_failure", to_string(n.on_failure));
  return out;
}

// ---- reading ------------------------------------------------------------------------------------

/// One object of the document. Remembers the first thing that is wrong with it, so that reading is
/// a list of fields and errors are looked at once.
class object_reader {
 public:
  object_reader(const json_value& value, std::string place)
      : value_(value), place_(std::move(place)) {
    if (!value.is_object()) complain("", "must be an object");
  }

  [[nodiscard]] std::string text(const char* key) {
    const json_value* found = find(key);
    if (found == nullptr) return {};
    if (found->is_string()) return found->as_string();
    complain(key, "must be a text");
    return {};
  }
  [[nodiscard]] bool flag(const char* key) {
    const json_value* found = find(key);
    if (found == nullptr) return false;
    if (found->is_bool()) return found->as_bool();
    complain(key, "must be true or false");
    return false;
  }
  [[nodiscard]] std::optional<double> number(const char* key) {
    const json_value* found = find(key);
    if (found == nullptr) return std::nullopt;
    if (found->is_number()) return found->as_double();
    complain(key, "must be a number");
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint32_t> count(const char* key) {
    const auto n = number(key);
    if (!n) return std::nullopt;
    if (*n >= 0 && *n <= 4294967295.0 && std::floor(*n) == *n)
      return static_cast<std::uint32_t>(*n);
    complain(key, "must be a whole number from 0 to 4294967295");
    return std::nullopt;
  }
  /// The member as it is; nullptr when it is absent or null.
  [[nodiscard]] const json_value* find(const char* key) {
    known_.emplace_back(key);
    const json_value* found = value_.find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  [[nodiscard]] const json_value::array& list(const char* key) {
    static const json_value::array none;
    const json_value* found = find(key);
    if (found == nullptr) return none;
    if (found->is_array()) return found->as_array();
    complain(key, "must be a list");
    return none;
  }

  void complain(const std::string& key, const std::string& what, std::string value = {}) {
    if (failure_) return;
    std::string where = place_;
    if (!key.empty()) where += (where.empty() ? "" : ".") + key;
    failure_ = validation_error(where, what, std::move(value));
  }
  /// An error found elsewhere, given this object's place.
  void adopt(error e) {
    if (!failure_) complain(e.field, e.message, e.value);
  }
  /// A member that nobody asked for is a mistake: a typing error would be silent otherwise.
  [[nodiscard]] std::optional<error> finish() {
    if (!failure_ && value_.is_object())
      for (const auto& [key, unused] : value_.as_object())
        if (std::find(known_.begin(), known_.end(), key) == known_.end())
          complain(key, "is not known here");
    return failure_;
  }
  [[nodiscard]] const std::string& place() const noexcept { return place_; }

 private:
  const json_value& value_;
  std::string place_;
  std::vector<std::string> known_;
  std::optional<error> failure_;
};

/// Reads nodes; what a file cannot hold (functions, keys) comes from outside.
class workflow_reader {
 public:
  explicit workflow_reader(const callable_lookup& lookup) : lookup_(lookup) {}
  [[nodiscard]] expected<workflow> read(const json_value& document, const std::string& place,
                                        std::uint32_t depth);

 private:
  [[nodiscard]] callable find_callable(object_reader& in);
  void read_model(object_reader& in, model_settings& m);
  [[nodiscard]] std::vector<tool> read_tools(object_reader& in);
  [[nodiscard]] node::spec_type read_spec(object_reader& in, const std::string& type);
  [[nodiscard]] agent_spec read_agent(object_reader& in);
  [[nodiscard]] transform_spec read_transform(object_reader& in);
  [[nodiscard]] condition_spec read_condition(object_reader& in);
  [[nodiscard]] map_spec read_map(object_reader& in);
  [[nodiscard]] sub_workflow_spec read_sub_workflow(object_reader& in);
  [[nodiscard]] wait_spec read_wait(object_reader& in);
  [[nodiscard]] expected<node> read_node(const json_value& value, const std::string& place);
  [[nodiscard]] std::optional<error> read_edge(workflow& flow, const json_value& value,
                                               const std::string& place);

  const callable_lookup& lookup_;
  std::uint32_t depth_ = 0;
};

callable workflow_reader::find_callable(object_reader& in) {
  const std::string name = in.text("callable");
  const auto timeout = in.count("timeout_ms");
  if (name.empty()) return {};
  callable found = lookup_ ? lookup_(name) : callable{};
  if (!found) in.complain("callable", "no such function is registered", name);
  found.name = name;
  if (timeout) found.timeout = milliseconds{*timeout};
  return found;
}

std::optional<provider_config> read_provider(object_reader& in) {
  const json_value* value = in.find("llm_config");
  if (value == nullptr) return std::nullopt;
  object_reader reader(*value, "llm_config");
  provider_config c;
  c.provider = reader.text("provider");
  c.model = reader.text("model");
  c.base_url = reader.text("base_url");
  if (c.provider.empty()) reader.complain("provider", "must name a provider");
  if (auto failure = reader.finish()) in.adopt(std::move(*failure));
  return c;
}

void workflow_reader::read_model(object_reader& in, model_settings& m) {
  m.system_prompt = in.text("system_prompt");
  m.provider = read_provider(in);
  m.temperature = in.number("temperature");
  m.max_tokens = in.count("max_tokens");
  m.prompt_caching = in.flag("enable_prompt_caching");
  if (const json_value* schema = in.find("output_schema")) m.output_schema = to_json(*schema);
}

std::vector<tool> workflow_reader::read_tools(object_reader& in) {
  std::vector<tool> tools;
  std::size_t i = 0;
  for (const json_value& value : in.list("tools")) {
    object_reader reader(value, "tools[" + std::to_string(i++) + "]");
    tool t;
    t.spec.name = reader.text("name");
    t.spec.description = reader.text("description");
    if (const json_value* schema = reader.find("parameters")) t.spec.parameters = to_json(*schema);
    t.function = find_callable(reader);
    if (!t.function) {
      if (lookup_) t.function = lookup_(t.spec.name);
      if (!t.function) reader.complain("name", "no such function is registered", t.spec.name);
    }
    if (auto failure = reader.finish()) in.adopt(std::move(*failure));
    tools.push_back(std::move(t));
  }
  return tools;
}

agent_spec workflow_reader::read_agent(object_reader& in) {
  agent_spec s;
  s.prompt = in.text("prompt");
  s.context = in.text("context");
  s.agent_id = in.text("agent_id");
  read_model(in, s.model);
  s.max_iterations = in.count("max_iterations");
  s.tools = read_tools(in);
  return s;
}

transform_spec workflow_reader::read_transform(object_reader& in) {
  transform_spec s;
  s.transformation = in.text("transformation");
  s.argument = in.text("argument");
  s.function = find_callable(in);
  return s;
}

condition_spec workflow_reader::read_condition(object_reader& in) {
  condition_spec s;
  s.expression = in.text("expression");
  s.handler = find_callable(in);
  return s;
}

map_spec workflow_reader::read_map(object_reader& in) {
  map_spec s;
  s.items = in.text("items");
  s.prompt = in.text("prompt");
  if (in.find("join") != nullptr) s.join = in.text("join");
  s.in_flight_max = in.count("in_flight_max").value_or(s.in_flight_max);
  read_model(in, s.model);
  return s;
}

sub_workflow_spec workflow_reader::read_sub_workflow(object_reader& in) {
  sub_workflow_spec s;
  const json_value* inner = in.find("workflow");
  if (inner == nullptr) {
    in.complain("workflow", "must be a workflow");
    return s;
  }
  auto flow = read(*inner, "workflow", depth_ + 1);
  if (flow)
    s.flow = std::make_shared<const workflow>(std::move(*flow));
  else
    in.adopt(std::move(flow.error()));
  if (const json_value* inputs = in.find("inputs")) {
    object_reader reader(*inputs, "inputs");
    if (inputs->is_object())
      for (const auto& [name, value] : inputs->as_object())
        s.inputs.emplace_back(name, reader.text(name.c_str()));
    if (auto failure = reader.finish()) in.adopt(std::move(*failure));
  }
  return s;
}

wait_spec workflow_reader::read_wait(object_reader& in) {
  wait_spec s;
  s.signal = in.text("signal");
  const auto length = in.number("length_ms");
  if (length && *length >= 0 && *length <= static_cast<double>(wait_spec::length_max.count()))
    s.length = milliseconds{static_cast<std::int64_t>(*length)};
  else if (length)
    in.complain("length_ms", "must be milliseconds from 0 to 3650 days", std::to_string(*length));
  return s;
}

node::spec_type workflow_reader::read_spec(object_reader& in, const std::string& type) {
  if (type == "agent") return read_agent(in);
  if (type == "transform") return read_transform(in);
  if (type == "condition") return read_condition(in);
  if (type == "map") return read_map(in);
  if (type == "workflow") return read_sub_workflow(in);
  if (type == "wait") return read_wait(in);
  in.complain("type", "must be agent, transform, condition, map, workflow or wait", type);
  return agent_spec{};
}

expected<node> make_node(std::string name, node::spec_type spec) {
  struct visitor {
    std::string& name;
    expected<node> operator()(agent_spec& s) { return node::agent(std::move(name), std::move(s)); }
    expected<node> operator()(transform_spec& s) {
      return node::transform(std::move(name), std::move(s));
    }
    expected<node> operator()(condition_spec& s) {
      return node::condition(std::move(name), std::move(s));
    }
    expected<node> operator()(map_spec& s) { return node::map(std::move(name), std::move(s)); }
    expected<node> operator()(sub_workflow_spec& s) {
      return node::sub_workflow(std::move(name), std::move(s));
    }
    expected<node> operator()(wait_spec& s) { return node::wait(std::move(name), std::move(s)); }
  };
  return std::visit(visitor{name}, spec);
}

std::optional<failure_policy> failure_policy_from(std::string_view name) {
  for (const auto policy :
       {failure_policy::fail, failure_policy::skip, failure_policy::continue_with_null})
    if (name == to_string(policy)) return policy;
  return std::nullopt;
}

expected<node> workflow_reader::read_node(const json_value& value, const std::string& place) {
  object_reader in(value, place);
  const std::string type = in.text("type"), id = in.text("id"), on_failure = in.text("on_failure");
  std::string name = in.text("name"), output_name = in.text("output_name");
  auto spec = read_spec(in, type);
  const auto policy = on_failure.empty() ? failure_policy::fail : failure_policy_from(on_failure);
  if (!policy) in.complain("on_failure", "must be fail, skip or continue", on_failure);
  if (!id.empty() && !is_uuid(id)) in.complain("id", "must be a UUID", id);
  if (auto failure = in.finish()) return fail(std::move(*failure));
  auto made = make_node(std::move(name), std::move(spec));
  if (!made) {
    in.adopt(std::move(made.error()));
    return fail(*in.finish());
  }
  if (!id.empty()) made->id = id;
  made->output_name = std::move(output_name);
  made->on_failure = *policy;
  return made;
}

/// ["from", "to"] or {"from": ..., "to": ...}
std::optional<error> workflow_reader::read_edge(workflow& flow, const json_value& value,
                                                const std::string& place) {
  std::string from, to;
  if (value.is_array() && value.as_array().size() == 2 && value.as_array()[0].is_string() &&
      value.as_array()[1].is_string()) {
    from = value.as_array()[0].as_string();
    to = value.as_array()[1].as_string();
  } else if (value.is_object()) {
    object_reader in(value, place);
    from = in.text("from");
    to = in.text("to");
    if (auto failure = in.finish()) return failure;
  } else {
    return validation_error(place, R"(must be ["from", "to"], with names or ids of nodes)");
  }
  if (auto ok = flow.connect(from, to); !ok) {
    ok.error().field = place;
    return ok.error();
  }
  return std::nullopt;
}

expected<workflow> workflow_reader::read(const json_value& document, const std::string& place,
                                         std::uint32_t depth) {
  object_reader in(document, place);
  const std::string prefix = place.empty() ? "" : place + ".";
  if (depth > limits::sub_workflow_depth_max)
    return fail(validation_error(place, "workflows are nested more than 16 deep"));
  depth_ = depth;
  const auto version = in.number("graphbit").value_or(format_version);
  if (version != static_cast<double>(format_version))
    in.complain("graphbit", "this version reads format 1", std::to_string(version));
  static_cast<void>(in.text("$schema"));
  static_cast<void>(in.text("id"));  // a workflow read from a file is a new one
  workflow flow(in.text("name"), in.text("description"));
  std::size_t i = 0;
  for (const json_value& value : in.list("nodes")) {
    auto n = read_node(value, prefix + "nodes[" + std::to_string(i++) + "]");
    depth_ = depth;
    if (!n) return fail(std::move(n.error()));
    if (auto added = flow.add_node(std::move(*n)); !added) in.adopt(std::move(added.error()));
  }
  i = 0;
  for (const json_value& value : in.list("edges"))
    if (auto bad = read_edge(flow, value, prefix + "edges[" + std::to_string(i++) + "]"))
      return fail(std::move(*bad));
  if (const json_value* flags = in.find("metadata")) {
    object_reader reader(*flags, "metadata");
    if (flags->is_object())
      for (const auto& [key, value] : flags->as_object())
        flow.set_metadata(key, reader.flag(key.c_str()));
    if (auto failure = reader.finish()) in.adopt(std::move(*failure));
  }
  if (auto failure = in.finish()) return fail(std::move(*failure));
  return flow;
}

}  // namespace

json_value workflow::to_json() const {
  json_value out;
  out.set("graphbit", format_version);
  out.set("name", name());
  put_text(out, "description", description());
  json_value::array list;
  for (const auto& n : nodes()) list.push_back(node_json(*n));
  out.set("nodes", std::move(list));
  // Names read better than ids; where a name means another node first, the id is written.
  const auto end_of = [this](std::uint32_t index) {
    const node& n = *nodes()[index];
    return json_value(find(n.name) == index ? n.name : n.id);
  };
  json_value::array connections;
  for (const auto& [from, to] : edges())
    connections.emplace_back(json_value::array{end_of(from), end_of(to)});
  out.set("edges", std::move(connections));
  if (!metadata().empty()) {
    json_value flags;
    for (const auto& [key, value] : metadata()) flags.set(key, value);
    out.set("metadata", std::move(flags));
  }
  return out;
}

expected<workflow> workflow::from_json(const json_value& document, const callable_lookup& lookup) {
  return workflow_reader(lookup).read(document, "", 0);
}

}  // namespace graphbit
