#include "src/wire/answer_stream.hpp"
#include "src/wire/header_block.hpp"
#include "src/wire/json_wire.hpp"
#include "src/wire/plain_prompt.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/wires.hpp"

// Hugging Face's text generation (the inference API and text-generation-inference servers). Source:
// https://huggingface.co/docs/text-generation-inference, https://huggingface.co/docs/api-inference.
// Their servers' /v1 is spoken by openai_compatible.
namespace graphbit {

namespace {

/// One generation: an item of a plain answer, or one event of a stream.
struct generation {
  std::string_view text;   // all of it; in a stream only in the last event
  std::string_view token;  // stream: the piece
  std::string_view finish;
  std::uint32_t tokens = 0, prompt_tokens = 0;
  provider_words words;
  bool has_text = false;
  bool special = false;  // stream: an end mark, no text
  bool has_error = false;
};

void read_details(json_reader& reader, generation& into) {
  reader.object([&](std::string_view key) {
    if (key == "finish_reason")
      into.finish = reader.string();
    else if (key == "generated_tokens")
      reader.read(into.tokens);
    else if (key == "input_length")
      reader.read(into.prompt_tokens);
    else if (key == "prefill") {
      std::uint32_t prompt_tokens = 0;
      reader.array([&] {
        ++prompt_tokens;
        reader.skip();
      });
      if (into.prompt_tokens == 0) into.prompt_tokens = prompt_tokens;
    } else
      reader.skip();
  });
}

void read_token(json_reader& reader, generation& into) {
  reader.object([&](std::string_view key) {
    if (key == "text")
      into.token = reader.string();
    else if (key == "special")
      into.special = reader.boolean();
    else
      reader.skip();
  });
}

void read_generation(json_reader& reader, generation& into) {
  reader.object([&](std::string_view key) {
    if (key == "generated_text") {
      into.has_text = reader.peek() == json_reader::type::string;
      into.text = reader.string();
    } else if (key == "token")
      read_token(reader, into);
    else if (key == "details")
      read_details(reader, into);
    else if (key == "error" || key == "error_type") {
      into.has_error = true;
      if (key == "error")
        read_words(reader, into.words);
      else
        reader.read(into.words.type);
    } else
      reader.skip();
  });
}

finish_reason finish_from(std::string_view word) {
  using kind = finish_reason::kind;
  if (word == "length") return {kind::length, {}};
  if (word.empty() || word == "eos_token" || word == "stop_sequence") return {kind::stop, {}};
  return {kind::other, std::string(word)};
}

token_usage usage_of(const generation& got) {
  token_usage usage;
  usage.prompt_tokens = got.prompt_tokens;
  usage.completion_tokens = got.tokens;
  usage.total_tokens = got.prompt_tokens + got.tokens;
  return usage;
}

class huggingface_stream final : public sse_answer_stream {
 public:
  using sse_answer_stream::sse_answer_stream;

 protected:
  expected<void> take(const sse_event& event, texts& out) override {
    generation got;
    const auto sound =
        understand(event.data, [&](json_reader& reader) { read_generation(reader, got); });
    if (!sound) return fail(sound.error());
    if (!*sound) return {};
    if (got.has_error) return fail(refusal(got.words));
    if (!got.special) deliver(got.token, out);
    if (got.has_text) {
      response().model = config().model;
      response().usage = usage_of(got);
      set_finish(finish_from(got.finish));
      set_complete();
    }
    return {};
  }
};

json_value parameters_of(const chat_request& request) {
  json_value parameters;
  parameters.set("return_full_text", false);
  if (request.max_tokens) parameters.set("max_new_tokens", std::int64_t{*request.max_tokens});
  if (request.temperature) parameters.set("temperature", *request.temperature);
  if (request.top_p) parameters.set("top_p", *request.top_p);
  if (!request.response_format.empty()) {
    json_value grammar;
    grammar.set("type", "json");
    if (auto schema = parse_json(request.response_format)) grammar.set("value", std::move(*schema));
    parameters.set("grammar", std::move(grammar));
  }
  return parameters;
}

class huggingface_wire final : public json_wire {
 public:
  std::string chat_target(const provider_config&, std::string_view model, bool) const override {
    return "/" + std::string(model);
  }

  expected<std::string> headers(const provider_config& config) const override {
    header_block block(config);
    if (!config.api_key.empty()) block.add("Authorization", "Bearer " + config.api_key.expose());
    return block.finish();
  }

  expected<chat_response> decode_chat(const provider_config& config,
                                      std::string& body) const override {
    reply_reader in(config, body);
    json_reader& reader = in.json();
    generation got;
    if (reader.peek() == json_reader::type::array)
      reader.array([&] { read_generation(reader, got); });
    else
      read_generation(reader, got);
    if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
    if (got.has_error) return fail(refused_inside(config, got.words));
    if (!got.has_text) return fail(in.lacks("generated text"));
    chat_response response;
    response.content = got.text;
    response.model = config.model;
    response.provider = config.provider;
    response.usage = usage_of(got);
    response.finish = finish_from(got.finish);
    return response;
  }

  std::unique_ptr<stream_decoder> decode_stream(const provider_config& config) const override {
    return std::make_unique<huggingface_stream>(config);
  }

  std::string embeddings_target(const provider_config& config) const override {
    return "/" + config.model + "/pipeline/feature-extraction";
  }

  expected<embedding_response> decode_embeddings(const provider_config& config,
                                                 std::string& body) const override {
    reply_reader in(config, body);
    json_reader& reader = in.json();
    embedding_response response;
    bool sound = true;
    reader.array([&] { sound = reader.floats(response.vectors.emplace_back()) && sound; });
    if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
    if (response.vectors.empty() || !sound) return fail(in.lacks("embeddings"));
    response.model = config.model;
    return response;
  }

 protected:
  expected<void> write_chat(body_writer& body, const provider_config&, const chat_request& request,
                            bool stream, std::string& out) const override {
    const auto prompt = plain_prompt(request);
    if (!prompt) return fail(prompt.error());
    if (body.key("inputs")) append_json_string(out, *prompt);
    body.nested("parameters", parameters_of(request));
    if (stream && body.key("stream")) out += "true";
    return {};
  }

  expected<void> write_embeddings(body_writer& body, const provider_config&,
                                  const embedding_request& request,
                                  std::string& out) const override {
    if (body.key("inputs")) append_json_strings(out, request.inputs);
    return {};
  }
};

}  // namespace

const wire_format& wires::huggingface() {
  static const huggingface_wire wire;
  return wire;
}

}  // namespace graphbit
