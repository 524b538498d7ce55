#include "endpoints.hpp"

#include <algorithm>
#include <array>

#include <graphbit/runtime/json_value.hpp>

#include "compose.hpp"
#include "embeddings.hpp"
#include "json_access.hpp"
#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

constexpr std::array<std::string_view, 4> usual_models = {"gpt-4o-mini", "gpt-4o", "llama3.2",
                                                          "text-embedding-3-small"};

bool model_exists(const behaviour& how, std::string_view model) {
  return how.models.empty() ||
         std::find(how.models.begin(), how.models.end(), model) != how.models.end();
}

tl::unexpected<refusal> refuse(int status, std::string message, std::string code = {},
                               std::string type = {}) {
  refusal why;
  why.status = status;
  why.message = std::move(message);
  why.code = std::move(code);
  why.type = std::move(type);
  return tl::unexpected(std::move(why));
}

tl::unexpected<refusal> no_such_model(std::string_view model) {
  return refuse(
      404, "The model `" + std::string(model) + "` does not exist or you do not have access to it.",
      "model_not_found", "invalid_request_error");
}

std::optional<outcome> scripted_end(const script_rule& rule) {
  if (rule.raw) {
    reply r;
    if (rule.status != 0) r.status = rule.status;
    r.content_type = rule.content_type;
    r.headers = rule.headers;
    r.body.bytes = *rule.raw;
    return r;
  }
  if (rule.status == 0) return std::nullopt;
  refusal why;
  why.status = rule.status;
  why.message = rule.error_message.empty()
                    ? "scripted: " + std::string(http_status_text(rule.status))
                    : rule.error_message;
  why.type = rule.error_type;
  why.code = rule.error_code;
  why.param = rule.error_param;
  why.headers = rule.headers;
  return tl::unexpected(std::move(why));
}

outcome chat(scene& s) {
  question asked;
  if (auto why = s.family.read_chat(s.request, s.body, asked))
    return tl::unexpected(std::move(*why));
  s.prompt_hash = asked.prompt_hash;
  if (!model_exists(s.how, asked.model)) return no_such_model(asked.model);
  const auto tokens = count_tokens(asked.prompt_bytes);
  if (s.how.context_tokens_max > 0 && tokens > s.how.context_tokens_max)
    return refuse(400,
                  "This model's maximum context length is " +
                      std::to_string(s.how.context_tokens_max) +
                      " tokens. However, your messages resulted in " + std::to_string(tokens) +
                      " tokens. Please reduce the length of the messages.",
                  "context_length_exceeded");
  const auto* rule = s.rules.find(asked);
  if (rule)
    if (auto end = scripted_end(*rule)) return std::move(*end);
  const auto said = compose(asked, rule, s.how, s.id);
  reply r;
  r.tokens = said.prompt_tokens + said.completion_tokens;
  if (rule) {
    r.headers = rule->headers;
    r.latency_ms = rule->latency_ms;
  }
  if (asked.stream) {
    r.content_type = s.family.stream_content_type(s.request);
    s.family.write_stream(asked, said, r.body);
  } else {
    s.family.write_chat(asked, said, r.body.bytes);
  }
  return r;
}

/// The texts of an `input` member: one, several, or (arrays of) token numbers, taken as their text.
std::vector<std::string> read_inputs(const json& input) {
  std::vector<std::string> texts;
  const auto add_tokens = [&](const json& tokens) {
    std::string text;
    for (const auto& t : tokens.GetArray())
      if (t.IsUint64()) text.append("t").append(std::to_string(t.GetUint64())).append(" ");
    texts.push_back(std::move(text));
  };
  if (input.IsString()) texts.emplace_back(text_of(input));
  if (!input.IsArray() || input.Empty()) return texts;
  if (input[0].IsNumber()) {
    add_tokens(input);
    return texts;
  }
  for (const auto& item : input.GetArray()) {
    if (item.IsString()) texts.emplace_back(text_of(item));
    if (item.IsArray()) add_tokens(item);
  }
  return texts;
}

std::uint64_t hash_inputs(const std::vector<std::string>& texts) {
  question q;
  for (const auto& text : texts) add_prompt_text(q, text);
  return q.prompt_hash;
}

std::size_t count_input_tokens(const std::vector<std::string>& texts) {
  std::size_t tokens = 0;
  for (const auto& text : texts) tokens += std::max<std::size_t>(1, count_tokens(text.size()));
  return tokens;
}

outcome openai_embeddings(scene& s) {
  const auto model = text_member(s.body, "model");
  if (model.empty()) return refuse(400, "you must provide a model parameter");
  if (!model_exists(s.how, model)) return no_such_model(model);
  const auto* input = member(s.body, "input");
  const auto texts = input ? read_inputs(*input) : std::vector<std::string>{};
  if (texts.empty())
    return refuse(400, "Missing required parameter: 'input'.", "missing_required_parameter");
  s.prompt_hash = hash_inputs(texts);
  const auto dimensions = std::clamp<std::size_t>(
      size_member(s.body, "dimensions", s.how.embedding_dimensions), 1, 65'536);
  const bool base64 = text_member(s.body, "encoding_format") == "base64";
  reply r;
  r.tokens = count_input_tokens(texts);
  auto& out = r.body.bytes;
  out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out.append(i > 0 ? "," : "")
        .append(R"({"object":"embedding","index":)")
        .append(std::to_string(i));
    out.append(R"(,"embedding":)").append(base64 ? "\"" : "");
    (base64 ? append_vector_base64 : append_vector)(embed_text(texts[i], dimensions, s.how.seed),
                                                    out);
    out.append(base64 ? "\"}" : "}");
  }
  out.append(R"(],"model":)");
  append_json_string(out, model);
  out.append(R"(,"usage":{"prompt_tokens":)").append(std::to_string(r.tokens));
  out.append(R"(,"total_tokens":)").append(std::to_string(r.tokens)).append("}}");
  return r;
}

std::vector<std::string> models_of(const behaviour& how) {
  if (!how.models.empty()) return how.models;
  return {usual_models.begin(), usual_models.end()};
}

void append_openai_model(std::string_view name, std::string& out) {
  out.append(R"({"id":)");
  append_json_string(out, name);
  out.append(R"(,"object":"model","created":1715367049,"owned_by":"system"})");
}

outcome openai_models(scene& s) {
  reply r;
  auto& out = r.body.bytes;
  out = R"({"object":"list","data":[)";
  for (const auto& name : models_of(s.how)) {
    if (out.back() == '}') out += ',';
    append_openai_model(name, out);
  }
  out.append("]}");
  return r;
}

outcome ollama_tags(scene& s) {
  reply r;
  auto& out = r.body.bytes;
  out = R"({"models":[)";
  for (const auto& name : models_of(s.how)) {
    const auto full = name.find(':') == std::string::npos ? name + ":latest" : name;
    if (out.back() == '}') out += ',';
    out.append(R"({"name":)");
    append_json_string(out, full);
    out.append(R"(,"model":)");
    append_json_string(out, full);
    out.append(R"(,"modified_at":"2024-05-17T09:30:00Z","size":2019393189,)"
               R"("digest":"a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",)"
               R"("details":{"parent_model":"","format":"gguf","family":"llama",)"
               R"("families":["llama"],"parameter_size":"3.2B","quantization_level":"Q4_K_M"}})");
  }
  out.append("]}");
  return r;
}

outcome ollama_pull(scene& s) {
  constexpr std::array<std::string_view, 4> steps = {
      R"({"status":"pulling manifest"})",
      R"({"status":"pulling a80c4f17acd5","digest":"sha256:a80c4f17acd5","total":2019393189,"completed":2019393189})",
      R"({"status":"verifying sha256 digest"})", R"({"status":"success"})"};
  reply r;
  if (!flag_member(s.body, "stream", true)) {
    r.body.bytes = steps.back();
    return r;
  }
  r.content_type = "application/x-ndjson";
  for (const auto step : steps) {
    r.body.bytes.append(step).append("\n");
    r.body.end_frame();
  }
  return r;
}

constexpr std::array endpoints = {
    endpoint{"POST", "/chat/completions", openai_wire, chat},
    endpoint{"POST", "/api/chat", ollama_wire, chat},
    endpoint{"POST", "/api/generate", ollama_wire, chat},
    endpoint{"GET", "/api/tags", ollama_wire, ollama_tags},
    endpoint{"POST", "/api/pull", ollama_wire, ollama_pull},
    endpoint{"POST", "/embeddings", openai_wire, openai_embeddings},
    endpoint{"GET", "/models", openai_wire, openai_models},
};

}  // namespace

const endpoint* find_endpoint(std::string_view method, std::string_view path) {
  for (const auto& e : endpoints)
    if (e.method == method && path.size() >= e.path_end.size() &&
        path.substr(path.size() - e.path_end.size()) == e.path_end)
      return &e;
  return nullptr;
}

}  // namespace graphbit::sim
