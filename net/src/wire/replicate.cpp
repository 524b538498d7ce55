#include <graphbit/runtime/json_value.hpp>

#include "src/wire/answer_stream.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/json_wire.hpp"
#include "src/wire/plain_prompt.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/wires.hpp"

// Replicate's predictions: jobs that are made and then asked for until they are done. Source:
// https://replicate.com/docs/reference/http, and the types of the official Python client.
namespace graphbit {

namespace {

constexpr milliseconds poll_interval{1000};
constexpr milliseconds stream_poll_interval{500};  // the text so far stands in each answer

struct prediction {
  std::string_view id, model, status, error;
  std::vector<std::string_view> texts;
  token_usage usage;

  [[nodiscard]] bool pending() const noexcept {
    return status == "starting" || status == "processing";
  }
};

void read_output(json_reader& reader, std::vector<std::string_view>& texts) {
  switch (reader.peek()) {
    case json_reader::type::string:
      texts.push_back(reader.string());
      return;
    case json_reader::type::array:
      return reader.array([&] { read_output(reader, texts); });
    case json_reader::type::null:
      return reader.skip();
    default:
      texts.push_back(reader.raw());  // objects and numbers as they stand
  }
}

void read_prediction(json_reader& reader, prediction& into) {
  reader.object([&](std::string_view key) {
    if (key == "id")
      into.id = reader.string();
    else if (key == "model")
      into.model = reader.string();
    else if (key == "status")
      into.status = reader.string();
    else if (key == "error")
      into.error = reader.string();
    else if (key == "output")
      read_output(reader, into.texts);
    else if (key == "metrics")
      reader.object([&](std::string_view metric) {
        if (metric == "input_token_count")
          reader.read(into.usage.prompt_tokens);
        else if (metric == "output_token_count")
          reader.read(into.usage.completion_tokens);
        else
          reader.skip();
      });
    else
      reader.skip();
  });
  into.usage.total_tokens = into.usage.prompt_tokens + into.usage.completion_tokens;
}

/// A job that ran and failed, or was stopped; making it again would cost again.
error failed(const provider_config& config, const prediction& got) {
  std::string words = config.provider + " - prediction " + std::string(got.status);
  if (!got.error.empty()) words.append(": ").append(excerpt(config, got.error));
  error e = core_error(redact(words, config.api_key));
  e.provider = config.provider;
  return e;
}

/// What the provider names becomes part of a path, so only plain ids are taken.
bool is_id(std::string_view id) noexcept {
  for (const char c : id)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
      return false;
  return !id.empty();
}

/// Where a job that is not done yet is asked for.
std::optional<follow_up> poll(const prediction& got, milliseconds after) {
  if (!got.pending() || !is_id(got.id)) return std::nullopt;
  return follow_up{"/predictions/" + std::string(got.id), after};
}

std::string text_of(const prediction& got) {
  std::string content;
  for (const std::string_view text : got.texts) content += text;
  return content;
}

expected<chat_response> response_of(const provider_config& config, const prediction& got) {
  if (got.status != "succeeded") return fail(failed(config, got));
  chat_response response;
  response.content = text_of(got);
  response.id = got.id;
  response.model = got.model.empty() ? config.model : std::string(got.model);
  response.usage = got.usage;
  response.provider = config.provider;
  return response;
}

expected<chat_response> decode_prediction(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  prediction got;
  read_prediction(in.json(), got);
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (got.status.empty()) return fail(in.lacks("status"));
  return response_of(config, got);
}

/// Replicate's own streams are on another host. Here the job is asked for again and again, and each
/// answer gives the text that it has more than the one before.
class replicate_stream final : public stream_decoder {
 public:
  explicit replicate_stream(const provider_config& config) : config_(config) {}

  expected<void> feed(std::string_view bytes, std::vector<std::string>& text) override {
    if (complete_) return {};
    next_.reset();
    body_ += bytes;
    const bool maybe_whole = bytes.find('}') != std::string_view::npos;
    if (!maybe_whole || !is_json(body_, json_reader::type::object)) return {};
    json_reader reader(body_);
    prediction got;
    read_prediction(reader, got);
    deliver(text_of(got), text);
    next_ = poll(got, stream_poll_interval);
    complete_ = !next_;
    if (complete_) result_ = response_of(config_, got);
    body_.clear();
    if (complete_ && !result_) return fail(result_.error());
    return {};
  }
  bool complete() const noexcept override { return complete_; }
  std::optional<follow_up> next_step() const override { return next_; }
  expected<chat_response> finish() override {
    if (!complete_) return fail(cut_short(config_, {}));
    return std::move(result_);
  }

 private:
  void deliver(std::string content, std::vector<std::string>& text) {
    if (content.size() <= delivered_.size() || content.rfind(delivered_, 0) != 0) return;
    text.push_back(content.substr(delivered_.size()));
    delivered_ = std::move(content);
  }

  const provider_config& config_;
  std::string body_;       // of the answer that is coming in
  std::string delivered_;  // the text so far
  std::optional<follow_up> next_;
  expected<chat_response> result_;
  bool complete_ = false;
};

json_value input_of(const chat_request& request, std::string prompt) {
  json_value input;
  input.set("prompt", std::move(prompt));
  if (request.max_tokens) input.set("max_tokens", std::int64_t{*request.max_tokens});
  if (request.temperature) input.set("temperature", *request.temperature);
  if (request.top_p) input.set("top_p", *request.top_p);
  return input;
}

/// The id of a model or of one version of it; both stand in the same field.
std::string version_of(const provider_config& config, const std::string& model) {
  const auto version = config.parameters.find("version");
  if (version != config.parameters.end() && !version->second.empty()) return version->second;
  return model.empty() ? config.model : model;
}

class replicate_wire final : public json_wire {
 public:
  std::string chat_target(const provider_config&, std::string_view, bool) const override {
    return "/predictions";
  }

  expected<std::string> headers(const provider_config& config) const override {
    header_block block(config);
    if (!config.api_key.empty()) block.add("Authorization", "Token " + config.api_key.expose());
    return block.finish();
  }

  /// Keeping the answer open up to a minute spares most calls the polling; a stream wants its first
  /// text soon.
  std::string call_headers(const provider_config& config, const chat_request&,
                           bool stream) const override {
    return stream || header_block::is_extra(config, "Prefer") ? "" : "Prefer: wait=60\r\n";
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    return decode_prediction(config, body);
  }

  std::optional<follow_up> next_step(const provider_config&, std::string_view body) const override {
    std::string copy(body);
    json_reader reader(copy);
    prediction got;
    read_prediction(reader, got);
    return reader.finish() ? poll(got, poll_interval) : std::nullopt;
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<replicate_stream>(config);
  }

 protected:
  expected<void> write_chat(body_writer& body, const provider_config& config,
                            const chat_request& request, bool, std::string& out) const override {
    auto prompt = plain_prompt(request);
    if (!prompt) return fail(prompt.error());
    if (body.key("version")) append_json_string(out, version_of(config, request.model));
    body.nested("input", input_of(request, std::move(*prompt)));
    return {};
  }
};

}  // namespace

const wire_format& wires::replicate() {
  static const replicate_wire wire;
  return wire;
}

}  // namespace graphbit
