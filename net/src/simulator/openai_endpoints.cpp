// OpenAI's embeddings and models. Anthropic's and Google's lists of models have the same path on
// hosts of their own; here the client's headers tell whose list is wanted.
#include <algorithm>

#include "embeddings.hpp"
#include "endpoints.hpp"
#include "json_access.hpp"
#include "json_writing.hpp"

namespace graphbit::sim {

namespace {

/// Azure's body needs no model: its path names a deployment.
std::string_view embedding_model(const scene& s) {
  const auto named = text_member(s.body, "model");
  constexpr std::string_view mark = "/deployments/";
  const auto path = s.request.path();
  const auto at = path.find(mark);
  if (!named.empty() || at == std::string_view::npos) return named;
  const auto deployment = path.substr(at + mark.size());
  return deployment.substr(0, deployment.find('/'));
}

}  // namespace

outcome openai_embeddings(scene& s) {
  const auto model = embedding_model(s);
  if (model.empty()) return refuse(400, "you must provide a model parameter");
  if (!model_exists(s.how, model)) return no_such_model(s, model);
  const auto texts = read_inputs(member(s.body, "input"));
  if (texts.empty())
    return refuse(400, "Missing required parameter: 'input'.", "missing_required_parameter");
  s.prompt_hash = hash_inputs(texts);
  const auto dimensions = std::clamp<std::size_t>(
      size_member(s.body, "dimensions", s.how.embedding_dimensions), 1, 65'536);
  const bool base64 = text_member(s.body, "encoding_format") == "base64";
  reply r;
  r.tokens = count_input_tokens(texts);
  auto& out = r.body.bytes;
  append(out, R"({"id":"embd-)", s.id, R"(","object":"list","data":[)");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    append(out, i > 0 ? "," : "", R"({"object":"embedding","index":)", i, R"(,"embedding":)",
           base64 ? "\"" : "");
    const auto vector = embed_text(texts[i], dimensions, s.how.seed);
    (base64 ? append_vector_base64 : append_vector)(vector, out);
    out.append(base64 ? "\"}" : "}");
  }
  append(out, R"(],"model":)", quoted{model}, R"(,"usage":{"prompt_tokens":)", r.tokens,
         R"(,"total_tokens":)", r.tokens, "}}");
  return r;
}

namespace {

void append_model(std::string_view name, std::string& out) {
  append(out, R"({"id":)", quoted{name},
         R"(,"object":"model","created":1715367049,"owned_by":"system"})");
}

outcome anthropic_models(const scene& s) {
  reply r;
  auto& out = r.body.bytes;
  const auto names = models_of(s.how);
  out = R"({"data":[)";
  for (const auto& name : names)
    append(out, out.back() == '}' ? "," : "", R"({"type":"model","id":)", quoted{name},
           R"(,"display_name":)", quoted{name}, R"(,"created_at":"2024-05-17T09:30:00Z"})");
  append(out, R"(],"has_more":false,"first_id":)", quoted{names.front()}, R"(,"last_id":)",
         quoted{names.back()}, "}");
  return r;
}

}  // namespace

outcome openai_models(scene& s) {
  if (!s.request.header("anthropic-version").empty()) return anthropic_models(s);
  if (!s.request.header("x-goog-api-key").empty()) return gemini_models(s);
  reply r;
  auto& out = r.body.bytes;
  out = R"({"object":"list","data":[)";
  for (const auto& name : models_of(s.how)) {
    if (out.back() == '}') out += ',';
    append_model(name, out);
  }
  out.append("]}");
  return r;
}

outcome openai_model(scene& s) {
  const auto path = s.request.path();
  const auto name = path.substr(path.find("/models/") + 8);
  const auto all = models_of(s.how);
  if (std::find(all.begin(), all.end(), name) == all.end()) return no_such_model(s, name);
  reply r;
  append_model(name, r.body.bytes);
  return r;
}

}  // namespace graphbit::sim
