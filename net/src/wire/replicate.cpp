#include <graphbit/runtime/json_value.hpp>

#include "src/json_reader.hpp"
#include "src/wire/answer_stream.hpp"
#include "src/wire/body_writer.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/plain_prompt.hpp"
#include "src/wire/provider_error.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/request_check.hpp"
#include "src/wire/wires.hpp"

// Replicate's predictions: jobs that are made and then asked for until they are done. Source:
// https://replicate.com/docs/reference/http, and the types of the official Python client.
namespace graphbit {

namespace {

constexpr milliseconds poll_interval{1000};

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

expected<chat_response> decode_prediction(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  json_reader& reader = in.json();
  prediction got;
  read_prediction(reader, got);
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (got.status.empty()) return fail(in.lacks("status"));
  if (got.status != "succeeded") return fail(failed(config, got));
  chat_response response;
  for (const std::string_view text : got.texts) response.content += text;
  response.id = got.id;
  response.model = got.model.empty() ? config.model : std::string(got.model);
  response.usage = got.usage;
  response.provider = config.provider;
  return response;
}

/// Replicate's streams are on another host; here the whole answer is one delta.
class replicate_stream final : public stream_decoder {
 public:
  explicit replicate_stream(const provider_config& config) : config_(config) {}

  expected<void> feed(std::string_view bytes, std::vector<std::string>& text) override {
    if (complete_) return {};
    body_ += bytes;
    const bool maybe_whole = bytes.find('}') != std::string_view::npos;
    if (!maybe_whole || !is_json(body_, json_reader::type::object)) return {};
    result_ = decode_prediction(config_, body_);
    complete_ = true;
    if (!result_) return fail(result_.error());
    text.push_back(result_->content);
    return {};
  }
  bool complete() const noexcept override { return complete_; }
  expected<chat_response> finish() override {
    if (!complete_) return fail(cut_short(config_, {}));
    return std::move(result_);
  }

 private:
  const provider_config& config_;
  std::string body_;
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

class replicate_wire final : public wire_format {
 public:
  std::string chat_target(const provider_config&, std::string_view, bool) const override {
    return "/predictions";
  }

  /// `Prefer: wait` keeps the answer open up to a minute, which spares most calls the polling.
  expected<std::string> headers(const provider_config& config) const override {
    header_block block(config);
    if (!config.api_key.empty()) block.add("Authorization", "Token " + config.api_key.expose());
    return block.add("Prefer", "wait=60").finish();
  }

  expected<void> encode_chat(const provider_config& config, const chat_request& request, bool,
                             std::string& out) const override {
    if (auto ok = check_request(request); !ok) return ok;
    auto prompt = plain_prompt(request);
    if (!prompt) return fail(prompt.error());
    auto body = body_writer::open(out, config, request.extra_body);
    if (!body) return fail(std::move(body.error()));
    if (body->key("version")) append_json_string(out, version_of(config, request.model));
    body->nested("input", input_of(request, std::move(*prompt)));
    body->close();
    return {};
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
    if (!reader.finish() || !got.pending() || !is_id(got.id)) return std::nullopt;
    return follow_up{"/predictions/" + std::string(got.id), poll_interval};
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<replicate_stream>(config);
  }

  error decode_error(const provider_config& config, const http_response& response) const override {
    return refused(config, response, find_words(response.body));
  }

  std::string embeddings_target(const provider_config&) const override { return "/predictions"; }

  expected<void> encode_embeddings(const provider_config& config, const embedding_request&,
                                   std::string&) const override {
    return fail(no_embeddings(config));
  }

  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string&) const override {
    return fail(no_embeddings(config));
  }

 private:
  /// What the provider names becomes part of a path, so only plain ids are taken.
  static bool is_id(std::string_view id) noexcept {
    for (const char c : id)
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
        return false;
    return !id.empty();
  }
};

}  // namespace

const wire_format& wires::replicate() {
  static const replicate_wire wire;
  return wire;
}

}  // namespace graphbit
