#include <graphbit/net/provider_config.hpp>

#include <algorithm>
#include <string_view>

#include <graphbit/net/provider_environment.hpp>
#include <graphbit/net/url.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

namespace {

/// The environment is asked only when the caller gave neither key nor place: a key that happens
/// to be there never goes to a host that the caller named. Azure has no place of its own, so its
/// key is looked up beside a given endpoint too.
void fill_from_environment(provider_config& config, const provider_row& row) {
  const bool own_place = !config.base_url.empty() && !row.base_url.empty();
  if (!config.api_key.empty() || own_place) return;
  config.api_key = key_from_environment(row);
  config.parameters.merge(parameters_from_environment(row));  // what was given stays
  if (config.base_url.empty()) config.base_url = base_url_from_environment(row);
}

/// Local servers take any key or none, so a base_url of the caller's own lifts the rule; not for
/// providers that have no other place (Azure).
expected<void> check_key(const provider_config& config, const provider_row& row,
                         bool own_base_url) {
  if (row.key_environment.empty() || (own_base_url && !row.base_url.empty())) return {};
  const std::string name(row.display_name);
  if (config.api_key.empty())
    return fail(validation_error(
        "api_key", name + " API key cannot be empty: pass api_key or set " + key_variables(row)));
  if (config.api_key.expose().size() < row.key_bytes_min)
    return fail(validation_error("api_key", name + " API key too short: at least " +
                                                std::to_string(row.key_bytes_min) + " bytes"));
  return {};
}

expected<void> check_base_url(provider_config& config, const provider_row& row) {
  while (!config.base_url.empty() && config.base_url.back() == '/') config.base_url.pop_back();
  if (config.base_url.empty())
    return fail(configuration_error(
        "base_url", std::string(row.display_name) + " needs a base_url: there is no default"));
  if (config.base_url.find_first_of("?#") != std::string::npos)
    return fail(configuration_error("base_url", "base_url must end with its path, without ? or #"));
  if (auto parsed = parse_url(config.base_url); !parsed)
    return fail(configuration_error("base_url", std::move(parsed.error().message)));
  return {};
}

bool is_token(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // RFC 9110, section 5.6.2
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// Header fields that frame a message belong to the HTTP client alone.
bool frames_the_message(std::string_view name) {
  constexpr std::string_view framing[] = {
      "host", "content-length", "transfer-encoding", "connection", "te", "upgrade"};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(std::begin(framing), std::end(framing), lower) != std::end(framing);
}

expected<void> check_headers(const provider_config& config) {
  for (const auto& [name, value] : config.extra_headers) {
    if (!is_token(name))
      return fail(configuration_error("extra_headers", "'" + name + "' is no header name"));
    if (frames_the_message(name))
      return fail(
          configuration_error("extra_headers", "'" + name + "' is set by the client itself"));
    if (!is_header_value(value))
      return fail(configuration_error(
          "extra_headers", "the value of '" + name + "' holds a line break or a NUL byte"));
  }
  if (!is_header_value(config.api_key.expose()))
    return fail(configuration_error("api_key", "the API key holds a line break or a NUL byte"));
  return {};
}

expected<void> check_numbers(const provider_config& config) {
  const auto too_small = [](const char* field) {
    return fail(configuration_error(field, std::string(field) + " must be greater than 0"));
  };
  const milliseconds none{0};
  if (config.call_timeout <= none) return too_small("timeout_s");
  if (config.connect_timeout <= none) return too_small("connect_timeout_s");
  if (config.tls_timeout <= none) return too_small("tls_timeout_s");
  if (config.first_byte_timeout.value_or(milliseconds{1}) <= none)
    return too_small("first_byte_timeout_s");
  if (config.idle_timeout <= none) return too_small("idle_timeout_s");
  if (config.max_in_flight == 0u) return too_small("max_in_flight");
  if (config.rpm == 0u) return too_small("rpm");
  if (config.tpm == 0u) return too_small("tpm");
  return {};
}

expected<void> check_body_settings(const provider_config& config) {
  constexpr std::string_view fields[] = {"auto", "max_tokens", "max_completion_tokens"};
  if (std::find(std::begin(fields), std::end(fields), config.token_limit_field) == std::end(fields))
    return fail(configuration_error(
        "token_limit_field",
        "token_limit_field must be \"auto\", \"max_tokens\" or \"max_completion_tokens\""));
  if (config.extra_body.empty()) return {};
  const auto extra = parse_json(config.extra_body);
  if (!extra || !extra->is_object())
    return fail(configuration_error("extra_body", "extra_body must be a JSON object"));
  return {};
}

}  // namespace

expected<provider_config> resolve(provider_config config) {
  const std::string own_name = config.provider;
  const provider_row own_row{.name = own_name, .display_name = own_name, .wire = config.wire.get()};
  const provider_row* row = config.wire ? &own_row : find_provider(config.provider);
  if (config.wire && own_name.empty())
    return fail(configuration_error("provider", "a provider with a wire of its own needs a name"));
  if (row == nullptr)
    return fail(configuration_error("provider", "unknown provider '" + config.provider + "'"));
  const bool own_base_url = !config.base_url.empty();
  fill_from_environment(config, *row);
  if (config.base_url.empty()) config.base_url = row->base_url;
  if (config.model.empty()) config.model = row->default_model;
  if (auto ok = check_key(config, *row, own_base_url); !ok) return fail(std::move(ok.error()));
  if (auto ok = check_base_url(config, *row); !ok) return fail(std::move(ok.error()));
  if (auto ok = check_headers(config); !ok) return fail(std::move(ok.error()));
  if (auto ok = check_numbers(config); !ok) return fail(std::move(ok.error()));
  if (auto ok = check_body_settings(config); !ok) return fail(std::move(ok.error()));
  return config;
}

}  // namespace graphbit
