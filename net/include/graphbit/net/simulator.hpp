#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/net/http_server.hpp>
#include <graphbit/runtime/error.hpp>

/// A provider of language models that runs on this machine, answers at once, and fails on command.
namespace graphbit::sim {

/// How the simulated provider behaves. Every number can be changed while it runs.
/// Probabilities are drawn per request in the order of arrival, at most one fault for each.
struct behaviour {
  std::uint64_t seed = 1;

  double latency_ms = 0;
  double latency_sigma = 0;
  double first_chunk_ms = 0;
  double chunk_interval_ms = 0;
  std::size_t chunk_count = 0;
  std::size_t reply_bytes = 0;
  std::size_t embedding_dimensions = 1536;

  double rate_limit_requests = 0;
  double rate_limit_tokens = 0;
  double retry_after_s = 1;
  std::size_t context_tokens_max = 0;

  double fault_429 = 0;
  double fault_500 = 0;
  double fault_503 = 0;
  double fault_reset = 0;
  double fault_reset_mid = 0;
  double fault_error_mid = 0;
  double fault_truncate = 0;
  double fault_stall = 0;
  double fault_hang = 0;
  double fault_drip = 0;
  double drip_interval_ms = 20;
  std::size_t drip_bytes = 16;

  bool down = false;
  std::vector<std::string> outages;
  std::vector<std::string> wrong_keys;
  std::string required_key;
  std::vector<std::string> models;
  std::vector<std::string> pull_models;
  bool compress = false;
};

/// Calls `visit(name, field, meaning)` for every setting of a behaviour: the one table behind the
/// JSON configuration, the command's options and the documentation.
template <class Behaviour, class Visitor>
void for_each_setting(Behaviour& b, Visitor&& visit) {
  visit("seed", b.seed, "what chance and replies are drawn from");
  visit("latency_ms", b.latency_ms, "time before an answer; the median when latency_sigma is set");
  visit("latency_sigma", b.latency_sigma, "spread of a log-normal latency (0: fixed)");
  visit("first_chunk_ms", b.first_chunk_ms, "time before a stream's first chunk (0: latency_ms)");
  visit("chunk_interval_ms", b.chunk_interval_ms, "time between the chunks of a stream");
  visit("chunk_count", b.chunk_count, "text chunks of a stream (0: one per word)");
  visit("reply_bytes", b.reply_bytes, "length of the answers' text (0: a few sentences)");
  visit("embedding_dimensions", b.embedding_dimensions, "length of embeddings unless asked for");
  visit("rate_limit_requests", b.rate_limit_requests,
        "requests per minute, enforced (0: no limit)");
  visit("rate_limit_tokens", b.rate_limit_tokens, "tokens per minute, enforced (0: no limit)");
  visit("retry_after_s", b.retry_after_s, "Retry-After of the 429 and 503 faults (0: no header)");
  visit("context_tokens_max", b.context_tokens_max, "longer prompts are refused (0: no bound)");
  visit("fault_429", b.fault_429, "probability of a 429 with Retry-After");
  visit("fault_500", b.fault_500, "probability of a 500");
  visit("fault_503", b.fault_503, "probability of a 503");
  visit("fault_reset", b.fault_reset, "probability of a reset before the answer");
  visit("fault_reset_mid", b.fault_reset_mid, "probability of a reset in the middle of the answer");
  visit("fault_error_mid", b.fault_error_mid, "probability of an error event inside a stream");
  visit("fault_truncate", b.fault_truncate, "probability of a close in the middle of the answer");
  visit("fault_stall", b.fault_stall, "probability of silence from the middle of the answer on");
  visit("fault_hang", b.fault_hang, "probability of no answer at all");
  visit("fault_drip", b.fault_drip, "probability of an answer that drips");
  visit("drip_interval_ms", b.drip_interval_ms, "time between the drips");
  visit("drip_bytes", b.drip_bytes, "bytes of one drip");
  visit("down", b.down, "refuse connections until told otherwise");
  visit("outages", b.outages, "FROM-TO in seconds since the start: refuse; FROM-TO:close: reset");
  visit("wrong_keys", b.wrong_keys, "API keys that get 401");
  visit("required_key", b.required_key, "the only API key that is accepted");
  visit("models", b.models, "the models that exist (none given: every name)");
  visit("pull_models", b.pull_models, "what Ollama's library has (none given: every name)");
  visit("compress", b.compress, "answer with gzip where the client accepts it");
}

struct simulator_options {
  http_server_options server{.drain_max = milliseconds(200)};
  behaviour behave;
  /// Scripted replies, as JSON text: {"rules": [...]}, see docs/simulator.md.
  std::string script;
};

/// Providers of language models over real HTTP, in this process or as `graphbit sim`.
///
/// Problem: retries, breakers, batches and agents can only be trusted when they have met rate
/// limits, resets, hangs and outages, and no hosted provider fails on demand or free of charge.
/// The simulator speaks the providers' published wires, derives a plausible answer from each
/// prompt (the same for the same seed and prompt), and counts what it was asked.
///
/// Besides the providers' own paths: `GET /_sim/counters`, `POST /_sim/config` (a JSON object of
/// settings), `POST /_sim/script`, `POST /_sim/reset`.
///
/// Lifecycle: `start`, use, `stop` (or the destructor); it can be started again.
/// Threads: one of its own; every member may be called from any other thread, one at a time.
class simulator {
 public:
  explicit simulator(simulator_options options = {});
  ~simulator();
  simulator(const simulator&) = delete;
  simulator& operator=(const simulator&) = delete;

  /// Errors: Configuration for a bad setting, script, address or certificate; Network when the
  /// port cannot be had.
  [[nodiscard]] expected<void> start();
  void stop();

  /// "http://127.0.0.1:8080", without a trailing slash.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Changes the settings that the JSON object names. Error: Configuration naming the setting;
  /// nothing is changed then.
  [[nodiscard]] expected<void> configure(std::string_view json);
  /// Replaces the scripted replies. Error: Configuration naming the rule; nothing is changed then.
  [[nodiscard]] expected<void> load_script(std::string_view json);
  /// The counters as JSON text, as `GET /_sim/counters` gives them.
  [[nodiscard]] std::string counters();
  /// Sets counters, rate limits and chance back to the start; settings and script stay.
  void reset();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace graphbit::sim
