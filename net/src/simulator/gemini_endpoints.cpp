// Gemini's models and embeddings. From Google's Gemini API reference.
#include <algorithm>

#include "embeddings.hpp"
#include "endpoints.hpp"
#include "json_access.hpp"
#include "json_writing.hpp"

namespace graphbit::sim {

namespace {

std::string text_of_content(const json& request) {
  std::string text;
  const auto* content = member(request, "content");
  const auto* parts = content ? array_member(*content, "parts") : nullptr;
  if (parts)
    for (const auto& part : parts->GetArray()) text.append(text_member(part, "text"));
  return text;
}

/// Appends one `{"values": [...]}` and gives the text it stands for.
std::string append_embedding(const scene& s, const json& request, std::string& out) {
  auto text = text_of_content(request);
  auto dimensions = size_member(request, "outputDimensionality", s.how.embedding_dimensions);
  if (const auto* config = member(request, "embedContentConfig"))
    dimensions = size_member(*config, "outputDimensionality", dimensions);
  dimensions = std::clamp<std::size_t>(dimensions, 1, 65'536);
  out.append(R"({"values":)");
  append_vector(embed_text(text, dimensions, s.how.seed), out);
  out.append("}");
  return text;
}

}  // namespace

outcome gemini_models(scene& s) {
  reply r;
  auto& out = r.body.bytes;
  out = R"({"models":[)";
  for (const auto& name : models_of(s.how))
    append(out, out.back() == '}' ? "," : "", R"({"name":)", quoted{"models/" + name},
           R"(,"version":"001","displayName":)", quoted{name},
           R"(,"inputTokenLimit":1048576,"outputTokenLimit":65536,)"
           R"("supportedGenerationMethods":["generateContent","countTokens"]})");
  out.append("]}");
  return r;
}

outcome gemini_embed(scene& s) {
  reply r;
  r.body.bytes = R"({"embedding":)";
  const auto text = append_embedding(s, s.body, r.body.bytes);
  r.body.bytes += '}';
  s.prompt_hash = hash_inputs({text});
  r.tokens = count_input_tokens({text});
  return r;
}

outcome gemini_embed_batch(scene& s) {
  const auto* requests = array_member(s.body, "requests");
  if (!requests)
    return refuse(400, "* BatchEmbedContentsRequest.requests: requests is not specified\n");
  reply r;
  std::vector<std::string> texts;
  r.body.bytes = R"({"embeddings":[)";
  for (const auto& request : requests->GetArray()) {
    if (!texts.empty()) r.body.bytes += ',';
    texts.push_back(append_embedding(s, request, r.body.bytes));
  }
  r.body.bytes.append("]}");
  s.prompt_hash = hash_inputs(texts);
  r.tokens = count_input_tokens(texts);
  return r;
}

outcome huggingface_features(scene& s) {
  const auto* inputs = member(s.body, "inputs");
  const auto texts = read_inputs(inputs);
  if (texts.empty()) return refuse(422, "missing field `inputs`");
  s.prompt_hash = hash_inputs(texts);
  reply r;
  r.tokens = count_input_tokens(texts);
  const bool several = inputs->IsArray();
  if (several) r.body.bytes += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) r.body.bytes += ',';
    append_vector(embed_text(texts[i], s.how.embedding_dimensions, s.how.seed), r.body.bytes);
  }
  if (several) r.body.bytes += ']';
  return r;
}

}  // namespace graphbit::sim
