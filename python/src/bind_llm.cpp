#include <map>

#include <graphbit/net/provider_config.hpp>

#include "bindings.hpp"
#include "error_translation.hpp"
#include "json_conversion.hpp"
#include "llm_client.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

using headers = std::vector<std::pair<std::string, std::string>>;

headers headers_argument(py::handle value, const char* name) {
  if (!PyDict_Check(value.ptr())) raise_wrong_type(value, name, "cannot be converted to 'PyDict'");
  headers lines;
  for (const auto& [key, line] : py::reinterpret_borrow<py::dict>(value))
    lines.emplace_back(text_argument(key, name), text_argument(line, name));
  return lines;
}

/// One keyword of every factory; TypeError for one we do not know.
void set_option(provider_config& config, const std::string& key, py::handle value) {
  const char* const name = key.c_str();
  if (value.is_none()) return;
  if (key == "base_url")
    config.base_url = text_argument(value, name);
  else if (key == "timeout_s")
    config.call_timeout = *optional_seconds_argument(value, name);
  else if (key == "connect_timeout_s")
    config.connect_timeout = config.tls_timeout = *optional_seconds_argument(value, name);
  else if (key == "first_byte_timeout_s")
    config.first_byte_timeout = optional_seconds_argument(value, name);
  else if (key == "idle_timeout_s")
    config.idle_timeout = *optional_seconds_argument(value, name);
  else if (key == "max_retries")
    config.max_retries = optional_u32_argument(value, name);
  else if (key == "max_in_flight")
    config.max_in_flight = optional_u32_argument(value, name);
  else if (key == "rpm")
    config.rpm = optional_u32_argument(value, name);
  else if (key == "tpm")
    config.tpm = optional_unsigned_argument(value, name);
  else if (key == "extra_headers")
    config.extra_headers = headers_argument(value, name);
  else if (key == "extra_body")
    config.extra_body = json_object_argument(value, name);
  else if (key == "token_limit_field")
    config.token_limit_field = text_argument(value, name);
  else
    throw py::type_error("got an unexpected keyword argument '" + key + "'");
}

/// A checked configuration. `parameters` are what only this provider knows; None entries are left
/// out.
provider_config make_config(const std::string& provider, py::handle api_key, py::handle model,
                            const py::dict& parameters, const py::dict& options) {
  provider_config config;
  config.provider = provider;
  const auto key = optional_text_argument(api_key, "api_key");
  config.model = optional_text_argument(model, "model").value_or("");
  for (const auto& [name, value] : parameters)
    if (auto text = optional_text_argument(value, py::str(name).cast<std::string>().c_str()))
      config.parameters.emplace(py::str(name), std::move(*text));
  for (const auto& [name, value] : options) set_option(config, py::str(name), value);

  // An empty key that was given is an error; only a key that was left out is looked up.
  const provider_row* const row = find_provider(provider);
  const bool own_place = row == nullptr || (!config.base_url.empty() && !row->base_url.empty());
  if (key && key->empty() && !own_place && !row->key_environment.empty())
    raise(validation_error("api_key", std::string(row->display_name) + " API key cannot be empty"));
  config.api_key = secret(key.value_or(""));
  const bool model_given = !model.is_none();
  provider_config checked = unwrap(resolve(std::move(config)));
  if (model_given) checked.model = text_argument(model, "model");  // "" is a model's name too
  return checked;
}

/// A configuration that only names a Python provider's model.
provider_config make_bridge_config(py::handle model) {
  provider_config config;
  config.provider = "python_bridge";
  config.model = text_argument(model, "model");
  return config;
}

route_strategy strategy_from(const std::string& name) {
  if (name == "fallback") return route_strategy::fallback;
  if (name == "least_busy") return route_strategy::least_busy;
  if (name == "round_robin") return route_strategy::round_robin;
  if (name == "lowest_latency") return route_strategy::lowest_latency;
  if (name == "cheapest") return route_strategy::cheapest;
  if (name == "session") return route_strategy::session;
  raise(validation_error("strategy",
                         "strategy must be least_busy, round_robin, lowest_latency, cheapest, "
                         "session or fallback",
                         name));
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

/// What `make_config` needs to build the same again, but for the key: that never leaves.
py::tuple arguments_without_key(const provider_config& config) {
  const auto in_seconds = [](milliseconds time) {
    return static_cast<double>(time.count()) / 1000;
  };
  py::dict options;
  const provider_row* const row = find_provider(config.provider);
  if (row == nullptr || config.base_url != row->base_url) options["base_url"] = config.base_url;
  options["timeout_s"] = in_seconds(config.call_timeout);
  options["connect_timeout_s"] = in_seconds(config.connect_timeout);
  if (config.first_byte_timeout)
    options["first_byte_timeout_s"] = in_seconds(*config.first_byte_timeout);
  options["idle_timeout_s"] = in_seconds(config.idle_timeout);
  options["max_retries"] = config.max_retries;
  options["max_in_flight"] = config.max_in_flight;
  options["rpm"] = config.rpm;
  options["tpm"] = config.tpm;
  options["extra_headers"] = py::cast(
      std::map<std::string, std::string>(config.extra_headers.begin(), config.extra_headers.end()));
  if (!config.extra_body.empty()) options["extra_body"] = config.extra_body;
  options["token_limit_field"] = config.token_limit_field;
  return py::make_tuple(config.provider, py::none(), config.model, config.parameters, options);
}

py::dict describe_config(const provider_config& config) {
  py::dict shown;
  shown["provider"] = config.provider;
  shown["model"] = config.model;
  shown["base_url"] = config.base_url;
  shown["api_key"] = config.api_key.redacted();
  return shown;
}

call_arguments arguments(py::handle max_tokens, py::handle temperature, py::handle caching,
                         py::handle timeout_s, py::handle extra_body, py::handle priority) {
  return {max_tokens, temperature, caching, timeout_s, extra_body, priority};
}

template <py::object (llm_client::*Call)(py::handle, const call_arguments&)>
py::object call(llm_client& client, py::handle input, py::handle max_tokens, py::handle temperature,
                py::handle caching, py::handle timeout_s, py::handle extra_body,
                py::handle priority) {
  return (client.*Call)(
      input, arguments(max_tokens, temperature, caching, timeout_s, extra_body, priority));
}

void bind_config(py::module_& module) {
  py::class_<provider_config>(module, "ProviderConfig")
      .def_static("make", &make_config)
      .def_static("make_bridge", &make_bridge_config)
      .def_static("make_routed", &make_routed_config)
      .def_static("make_for_embeddings", &make_embedding_config)
      .def("without_key", &arguments_without_key)
      .def("describe", &describe_config)
      .def_readonly("provider", &provider_config::provider)
      .def_readonly("model", &provider_config::model)
      .def("__eq__", [](const provider_config& a, py::handle b) {
        return py::isinstance<provider_config>(b) && a == b.cast<const provider_config&>();
      });
}

void bind_client(py::module_& module) {
  py::class_<llm_client>(module, "LlmClient")
      .def(py::init<provider_config, bool>())
      .def("complete", &call<&llm_client::complete>)
      .def("complete_full", &call<&llm_client::complete_full>)
      .def("complete_async", &call<&llm_client::complete_async>)
      .def("complete_full_async", &call<&llm_client::complete_full_async>)
      .def("chat", &call<&llm_client::chat>)
      .def("start_batch",
           [](llm_client& client, py::handle max_tokens, py::handle temperature,
              py::handle max_concurrency, py::handle timeout_s, py::handle extra_body,
              py::handle priority, py::handle max_pause_s, bool full) {
             return client.start_batch(
                 max_concurrency, max_pause_s,
                 arguments(max_tokens, temperature, {}, timeout_s, extra_body, priority), full);
           })
      .def("run_batch", &llm_client::run_batch)
      .def("stream",
           [](llm_client& client, py::handle prompt, py::handle max_tokens, py::handle temperature,
              py::handle timeout_s, py::handle extra_body, py::handle priority) {
             return client.stream(
                 prompt, arguments(max_tokens, temperature, {}, timeout_s, extra_body, priority));
           })
      .def("warm_up", &llm_client::warm_up)
      .def("set_limits", &llm_client::set_limits)
      .def("stats", &llm_client::stats)
      .def("reset_stats", &llm_client::reset_stats);
}

void bind_batch(py::module_& module) {
  py::class_<prompt_batch, std::shared_ptr<prompt_batch>>(module, "PromptBatch")
      .def("add", [](prompt_batch& batch,
                     py::handle prompts) { batch.add(texts_argument(prompts, "prompts")); })
      .def("close", &prompt_batch::close)
      .def("cancel", &prompt_batch::cancel)
      .def("take_room", &prompt_batch::take_room)
      .def("wait_for_room", &prompt_batch::wait_for_room);
}

void bind_stream(py::module_& module) {
  py::class_<text_stream>(module, "TextStream")
      .def("take", &text_stream::take)
      .def("wait", &text_stream::wait)
      .def("wait_async", &text_stream::wait_async)
      .def("close", &text_stream::close)
      .def("response", &text_stream::response);
}

/// The checks of `LlmClient.complete`, for clients that are pure Python.
void check_call(py::handle prompt, py::handle max_tokens, py::handle temperature,
                py::handle caching, py::handle timeout_s, py::handle extra_body,
                py::handle priority, bool full) {
  static_cast<void>(prepare_call(
      prompt, arguments(max_tokens, temperature, caching, timeout_s, extra_body, priority),
      full ? token_limit_rule::full : token_limit_rule::u32));
}

}  // namespace

void bind_llm(py::module_& module) {
  module.def("check_call", &check_call);
  bind_batch_run(module);
  bind_config(module);
  bind_client(module);
  bind_batch(module);
  bind_stream(module);
}

}  // namespace graphbit::python
