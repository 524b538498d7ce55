#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/http_client.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/secret.hpp>

namespace graphbit {

class wire_format;

struct provider_routes;

/// Everything that makes one provider client: two equal configurations share one.
struct provider_config {
  std::string provider;  ///< "openai", "anthropic", ...: the row of the provider table
  std::string base_url;  ///< without a trailing slash
  secret api_key;        ///< empty: none is sent
  std::string model;     ///< as the provider names it

  milliseconds call_timeout{600'000};              ///< work budget of one logical call
  milliseconds connect_timeout{10'000};            ///< DNS and TCP
  milliseconds tls_timeout{10'000};                ///< the TLS handshake
  std::optional<milliseconds> first_byte_timeout;  ///< none: the rest of the deadline
  milliseconds idle_timeout{30'000};               ///< between two receives of one answer
  std::optional<std::uint32_t> max_retries;        ///< none: by mode
  std::optional<std::uint32_t> max_in_flight;      ///< none: by mode
  std::optional<std::uint32_t> rpm;                ///< requests per minute; none: no bound
  std::optional<std::uint64_t> tpm;                ///< tokens per minute; none: no bound
  /// A second attempt goes out when the first takes longer than 95 % of its like; off by default.
  /// At most 6 % more requests, out of the retry budget.
  bool hedge = false;
  /// How many calls are in flight at once follows latency and refusals, up to `max_in_flight`; off
  /// by default.
  bool adaptive_in_flight = false;
  /// Equal chat calls are answered from the process's memory when the answer is no older, and sent
  /// once when they come at the same time; none: off.
  std::optional<seconds> response_cache_max_age;
  std::vector<std::pair<std::string, std::string>> extra_headers;  ///< sent with each request
  std::string extra_body;                  ///< JSON object text merged into every body
  std::string token_limit_field = "auto";  ///< "auto", "max_tokens" or "max_completion_tokens"
  tls_options tls;                         ///< certificates, and whether they are checked
  /// What only one provider knows: "api_version", "deployment_name", "site_url", "organization",
  /// ...
  std::map<std::string, std::string> parameters;
  /// Set: this wire is spoken (custom_provider.hpp), and `provider` is any name of the caller's.
  std::shared_ptr<const wire_format> wire;
  /// Set: calls go to one of these configurations instead, and the fields above are not used.
  std::shared_ptr<const provider_routes> routes;

  friend bool operator==(const provider_config&, const provider_config&) = default;
};

/// How a call finds its configuration among several.
enum class route_strategy : std::uint8_t {
  fallback,        ///< the first that is healthy, in the order given
  least_busy,      ///< fewest calls in flight
  round_robin,     ///< in turn
  lowest_latency,  ///< the quickest of late
  cheapest,        ///< by price per token
  session,         ///< the same for the same `call_options::session`
};

/// Several configurations behind one. Whatever the strategy, a configuration whose circuit breaker
/// is open goes last, and a failed call goes on to the next.
struct provider_routes {
  route_strategy strategy = route_strategy::fallback;  ///< which configuration is asked first
  std::vector<provider_config> targets;                ///< at least one; may have routes themselves
};

/// What the provider table knows of one provider.
struct provider_row {
  std::string_view name;                     ///< "openai"
  std::string_view display_name;             ///< "OpenAI", used in messages
  std::string_view base_url;                 ///< where its API is
  std::string_view default_model;            ///< where the caller names none
  std::string_view default_embedding_model;  ///< where the caller names none; may be empty
  std::string_view key_environment;          ///< "OPENAI_API_KEY"; empty: takes no key
  std::string_view base_url_environment;     ///< "OPENAI_BASE_URL"; empty: none
  std::size_t key_bytes_min = 8;             ///< a shorter key is refused as a mistake
  const wire_format* wire = nullptr;         ///< never nullptr in the table
};

/// The table's row, or nullptr for an unknown provider.
[[nodiscard]] const provider_row* find_provider(std::string_view name) noexcept;
/// All rows, in the table's order.
[[nodiscard]] const std::vector<provider_row>& provider_table();

/// Checks a configuration and fills its defaults (base URL, model, a key from the environment
/// when there is neither key nor base_url). Resolving twice changes nothing more.
/// Errors: Validation{field="api_key"} "<Name> API key cannot be empty" / "<Name> API key too
/// short" (neither is checked when base_url is given), Configuration for an unknown provider, a bad
/// base_url, header, number or extra_body.
[[nodiscard]] expected<provider_config> resolve(provider_config config);

}  // namespace graphbit
