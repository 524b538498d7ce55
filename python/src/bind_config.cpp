#include <graphbit/net/json_mode.hpp>
#include <graphbit/net/provider_config.hpp>

#include "bindings.hpp"
#include "config_options.hpp"
#include "error_translation.hpp"
#include "plain_error.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

/// Checks and fills in. Azure's endpoint is not checked before the first call asks it (contract
/// section 2), everything else at once.
provider_config resolved(provider_config config) {
  auto checked = resolve(config);
  if (checked) return std::move(*checked);
  const bool at_the_call =
      checked.error().field == "base_url" && config.parameters.count("deployment_name") != 0;
  if (!at_the_call && checked.error().field == "api_key") return unwrap_plain(std::move(checked));
  if (!at_the_call) raise(checked.error());
  return config;
}

/// A checked configuration. `parameters` are what only this provider knows; None entries are left
/// out.
provider_config make_config(const std::string& provider, py::handle api_key, py::handle model,
                            const py::dict& parameters, py::handle options) {
  provider_config config;
  config.provider = provider;
  const auto key = optional_text_argument(api_key, "api_key");
  config.model = optional_text_argument(model, "model").value_or("");
  for (const auto& [name, value] : parameters)
    if (auto text = optional_text_argument(value, py::str(name).cast<std::string>().c_str()))
      config.parameters.emplace(py::str(name), std::move(*text));
  set_config_options(config, options);

  // An empty key that was given is an error; only a key that was left out is looked up.
  const provider_row* const row = find_provider(provider);
  const bool own_place = row == nullptr || (!config.base_url.empty() && !row->base_url.empty());
  if (key && key->empty() && !own_place && !row->key_environment.empty())
    raise_in_words(validation_error("api_key", {}),
                   std::string(row->display_name) + " API key cannot be empty");
  config.api_key = secret(key.value_or(""));
  provider_config checked = resolved(std::move(config));
  if (!model.is_none()) checked.model = text_argument(model, "model");  // "" is a name too
  return checked;
}

/// A configuration that only names a Python provider's model.
provider_config make_bridge_config(py::handle model) {
  provider_config config;
  config.provider = "python_bridge";
  config.model = text_argument(model, "model");
  return config;
}

struct named_strategy {
  const char* name;
  route_strategy strategy;
};
constexpr named_strategy strategies[] = {
    {"fallback", route_strategy::fallback},
    {"least_busy", route_strategy::least_busy},
    {"round_robin", route_strategy::round_robin},
    {"lowest_latency", route_strategy::lowest_latency},
    {"cheapest", route_strategy::cheapest},
    {"session", route_strategy::session},
};

route_strategy strategy_from(const std::string& name) {
  for (const named_strategy& known : strategies)
    if (name == known.name) return known.strategy;
  raise(validation_error("strategy",
                         "strategy must be least_busy, round_robin, lowest_latency, cheapest, "
                         "session or fallback",
                         name));
}

const char* name_of(route_strategy strategy) {
  for (const named_strategy& known : strategies)
    if (strategy == known.strategy) return known.name;
  return strategies[0].name;
}

/// Several configurations behind one.
provider_config make_routed_config(py::handle strategy,
                                   const std::vector<provider_config>& targets) {
  auto routes = std::make_shared<provider_routes>();
  routes->strategy = strategy_from(text_argument(strategy, "strategy"));
  routes->targets = targets;
  if (targets.empty())
    raise(validation_error("configs", "name at least one configuration to route to"));
  provider_config config;
  config.provider = targets.front().provider;
  config.model = targets.front().model;
  config.routes = std::move(routes);
  return config;
}

/// The same for an embedding model.
provider_config make_embedding_config(const std::string& provider, py::object api_key,
                                      py::object model, const py::dict& parameters,
                                      const py::dict& options) {
  const provider_row* const row = find_provider(provider);
  if (model.is_none() && row != nullptr) model = py::str(std::string(row->default_embedding_model));
  return make_config(provider, api_key, model, parameters, options);
}

/// What a pickle keeps: what makes the configuration again, but for its key: that never leaves.
py::tuple state_of(const provider_config& config) {
  if (config.routes)
    return py::make_tuple(name_of(config.routes->strategy), py::cast(config.routes->targets));
  return py::make_tuple(config.provider, config.model, config.parameters,
                        config_options_of(config));
}

/// The reverse of `state_of`; the key is looked up in the environment.
provider_config config_from_state(const py::tuple& state) {
  if (state.size() == 2)
    return make_routed_config(state[0], state[1].cast<std::vector<provider_config>>());
  if (state.size() != 4) throw py::value_error("no state of a configuration");
  const auto provider = state[0].cast<std::string>();
  if (provider == "python_bridge") return make_bridge_config(state[1]);
  return make_config(provider, py::none(), state[1], state[2], state[3]);
}

py::dict describe_config(const provider_config& config) {
  py::dict shown;
  if (config.routes) {
    shown["strategy"] = name_of(config.routes->strategy);
    shown["targets"] = py::cast(config.routes->targets);
    return shown;
  }
  shown["provider"] = config.provider;
  shown["model"] = config.model;
  shown["base_url"] = config.base_url;
  shown["api_key"] = config.api_key.redacted();
  return shown;
}

}  // namespace

void bind_config(py::module_& module) {
  py::class_<provider_config>(module, "ProviderConfig")
      .def_static("make", &make_config)
      .def_static("make_bridge", &make_bridge_config)
      .def_static("make_routed", &make_routed_config)
      .def_static("make_for_embeddings", &make_embedding_config)
      .def("describe", &describe_config)
      .def_readonly("provider", &provider_config::provider)
      .def_readonly("model", &provider_config::model)
      .def("__eq__",
           [](const provider_config& a, py::handle b) {
             return py::isinstance<provider_config>(b) && a == b.cast<const provider_config&>();
           })
      .def(py::pickle(&state_of, &config_from_state));
  module.def("takes_json_schema",
             [](const std::string& provider) { return takes_json_schema(provider); });
}

}  // namespace graphbit::python
