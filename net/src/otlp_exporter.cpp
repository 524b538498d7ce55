#include <algorithm>
#include <cstdlib>
#include <future>
#include <thread>

#include <graphbit/net/http_client.hpp>
#include <graphbit/net/otlp.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/reactor.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "src/percent_decoding.hpp"

namespace graphbit {

namespace {

constexpr milliseconds first_pause{100};
constexpr milliseconds look_every{10};  // whether the runtime ends

std::string environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string() : text;
}

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t") - from + 1));
}

/// "a=1,b=x%20y", as OpenTelemetry writes lists in its variables.
otlp_options::pairs pairs_of(std::string_view text) {
  otlp_options::pairs pairs;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto entry = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    const auto value = trimmed(entry.substr(equals + 1));
    pairs.emplace_back(trimmed(entry.substr(0, equals)), percent_decoded(value).value_or(value));
  }
  return pairs;
}

bool is_true(std::string_view text) { return text == "true" || text == "True" || text == "1"; }

bool worth_a_retry(const expected<http_response>& answer) {
  if (!answer) return answer.error().retry == retry_rule::transient;
  return answer->status == 429 || (answer->status >= 502 && answer->status <= 504);
}

}  // namespace

otlp_options otlp_options_from_environment() {
  otlp_options options;
  options.endpoint = environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (options.endpoint.empty()) {
    auto base = environment("OTEL_EXPORTER_OTLP_ENDPOINT");
    while (base.ends_with('/')) base.pop_back();
    if (!base.empty()) options.endpoint = base + "/v1/traces";
  }
  options.headers = pairs_of(environment("OTEL_EXPORTER_OTLP_HEADERS"));
  options.resource = pairs_of(environment("OTEL_RESOURCE_ATTRIBUTES"));
  for (const auto& [name, value] : options.resource)
    if (name == "service.name") options.service_name = value;
  if (auto name = environment("OTEL_SERVICE_NAME"); !name.empty())
    options.service_name = std::move(name);
  options.ca_file = environment("OTEL_EXPORTER_OTLP_CERTIFICATE");
  if (const auto ms = std::atoi(environment("OTEL_EXPORTER_OTLP_TIMEOUT").c_str()); ms > 0)
    options.timeout = milliseconds{ms};
  options.content = is_true(environment("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"));
  return options;
}

bool environment_asks_for_traces() {
  return !otlp_options_from_environment().endpoint.empty() &&
         !is_true(environment("OTEL_SDK_DISABLED")) &&
         environment("OTEL_TRACES_EXPORTER") != "none";
}

class otlp_exporter::impl {
 public:
  impl(reactor& home, otlp_options options, url to)
      : home_(home),
        options_(std::move(options)),
        at_(std::move(to.at)),
        target_(std::make_shared<const std::string>(std::move(to.target))) {
    std::string lines = "Content-Type: application/x-protobuf\r\n";
    for (const auto& [name, value] : options_.headers) lines += name + ": " + value + "\r\n";
    headers_ = std::make_shared<const std::string>(std::move(lines));
  }

  // The client lives on the reactor's thread, and ends there.
  ~impl() {
    auto ended = std::make_shared<std::promise<void>>();
    auto over = ended->get_future();
    home_.post([http = std::move(http_), ended]() mutable {
      http->reset();
      ended->set_value();
    });
    over.wait_for(seconds{1});
  }

  bool take(const std::vector<trace_span>& spans, const std::stop_token& ending) {
    const auto body =
        encode_otlp_traces(spans, options_, steady_clock::now(), std::chrono::system_clock::now());
    const auto until = steady_clock::now() + options_.timeout;
    for (milliseconds pause = first_pause;; pause *= 2) {
      const auto answer = send(body, until, ending);
      if (answer && answer->status >= 200 && answer->status < 300) return true;
      const auto again_at = steady_clock::now() + pause;
      if (!worth_a_retry(answer) || again_at >= until || !waited(again_at, ending)) {
        note(answer);
        return false;
      }
    }
  }

 private:
  using client = std::shared_ptr<std::unique_ptr<http_client>>;
  using answer = expected<http_response>;

  struct receiver final : http_handler {
    std::promise<answer> promise;
    reactor* home = nullptr;
    void on_done(answer result) override {
      const std::unique_ptr<receiver> self(this);  // lived for this one answer
      home->add_in_flight(-1);
      promise.set_value(std::move(result));
    }
  };

  // False: the runtime ends meanwhile.
  static bool waited(time_point until, const std::stop_token& ending) {
    while (!ending.stop_requested() && steady_clock::now() < until)
      std::this_thread::sleep_for(look_every);
    return !ending.stop_requested();
  }

  answer send(const std::string& body, time_point until, const std::stop_token& ending) {
    auto handler = std::make_unique<receiver>();
    handler->home = &home_;
    auto result = handler->promise.get_future();
    http_request request;
    request.target = target_;
    request.headers = headers_;
    request.body = body;
    home_.post([http = http_, this_home = &home_, at = at_, ca = options_.ca_file, until,
                request = std::move(request),
                handler = std::make_shared<std::unique_ptr<receiver>>(std::move(handler))] {
      if (!*http)
        *http = std::make_unique<http_client>(
            *this_home, at, http_client_options{.tls = {.ca_file = ca}, .connections_max = 1});
      this_home->add_in_flight(1);
      (*http)->start(
          request,
          {.connect = seconds{5}, .tls = seconds{5}, .idle = seconds{10}, .total_at = until},
          *handler->release());
    });
    auto last = until + seconds{1};
    while (result.wait_for(look_every) != std::future_status::ready) {
      const auto now = steady_clock::now();
      if (ending.stop_requested()) last = std::min(last, now + seconds{1});
      if (now >= last)
        return fail(timeout_error("export", options_.timeout, "the collector did not answer"));
    }
    return result.get();
  }

  void note(const answer& last) const {
    if (!log_enabled(log_level::debug)) return;
    log(log_level::debug, "trace",
        "a batch of spans is lost: " +
            (last ? "the collector answered " + std::to_string(last->status)
                  : describe(last.error())));
  }

  reactor& home_;
  otlp_options options_;
  origin at_;
  std::shared_ptr<const std::string> target_, headers_;
  client http_ = std::make_shared<std::unique_ptr<http_client>>();  // made on the reactor
};

otlp_exporter::otlp_exporter(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
otlp_exporter::~otlp_exporter() = default;

expected<std::shared_ptr<otlp_exporter>> otlp_exporter::open(runtime& rt, otlp_options options) {
  auto to = parse_url(options.endpoint);
  if (!to)
    return fail(configuration_error("endpoint", "the trace collector's endpoint '" +
                                                    options.endpoint +
                                                    "' is no URL: " + to.error().message));
  return std::make_shared<otlp_exporter>(
      std::make_unique<impl>(rt.next_reactor(), std::move(options), std::move(*to)));
}

bool otlp_exporter::take(const std::vector<trace_span>& spans, const std::stop_token& ending) {
  return impl_->take(spans, ending);
}

expected<void> start_tracing(runtime& rt, const otlp_options& options) {
  tracer_options to;
  to.content = options.content;
  if (!options.endpoint.empty()) {
    auto exporter = otlp_exporter::open(rt, options);
    if (!exporter) return fail(exporter.error());
    to.exporter = std::move(*exporter);
  }
  rt.service<tracer>()->start(std::move(to));
  return {};
}

}  // namespace graphbit
