// Ollama's models and embeddings. From its API document (docs/api.md).
#include <algorithm>
#include <array>

#include "embeddings.hpp"
#include "endpoints.hpp"
#include "json_access.hpp"
#include "json_writing.hpp"

namespace graphbit::sim {

namespace {

constexpr std::string_view digest =
    "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72";
constexpr std::string_view details =
    R"({"parent_model":"","format":"gguf","family":"llama","families":["llama"],)"
    R"("parameter_size":"3.2B","quantization_level":"Q4_K_M"})";

std::string full_name(std::string_view name) {
  return std::string(name) + (name.find(':') == std::string_view::npos ? ":latest" : "");
}

outcome list_models(const scene& s, std::string_view more) {
  reply r;
  auto& out = r.body.bytes;
  out = R"({"models":[)";
  for (const auto& name : models_of(s.how))
    append(out, out.back() == '}' ? "," : "", R"({"name":)", quoted{full_name(name)},
           R"(,"model":)", quoted{full_name(name)}, R"(,"size":2019393189,"digest":")", digest,
           R"(","details":)", details, more, "}");
  out.append("]}");
  return r;
}

}  // namespace

outcome ollama_tags(scene& s) { return list_models(s, R"(,"modified_at":"2024-05-17T09:30:00Z")"); }

outcome ollama_running(scene& s) {
  return list_models(s, R"(,"expires_at":"2038-01-01T00:00:00Z","size_vram":2019393189)");
}

outcome ollama_version(scene&) {
  reply r;
  r.body.bytes = R"({"version":"0.5.1"})";
  return r;
}

outcome ollama_show(scene& s) {
  const auto name = text_member(s.body, s.body.HasMember("model") ? "model" : "name");
  if (!model_exists(s.how, name)) return refuse(404, "model '" + std::string(name) + "' not found");
  reply r;
  append(r.body.bytes, R"({"modelfile":"","parameters":"","template":"{{ .Prompt }}","details":)",
         details,
         R"(,"model_info":{"general.architecture":"llama","llama.context_length":131072},)"
         R"("capabilities":["completion","tools"],"modified_at":"2024-05-17T09:30:00Z"})");
  return r;
}

outcome ollama_pull(scene& s) {
  const std::string name(text_member(s.body, s.body.HasMember("model") ? "model" : "name"));
  const auto& library = s.how.pull_models;
  if (!library.empty() && std::find(library.begin(), library.end(), name) == library.end())
    return refuse(500, "pull model manifest: file does not exist");
  if (!model_exists(s.how, name)) s.how.models.push_back(name);
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
    append(r.body.bytes, step, "\n");
    r.body.end_frame();
  }
  return r;
}

outcome ollama_embed(scene& s) {
  const auto model = text_member(s.body, "model");
  if (model.empty()) return refuse(400, "model is required");
  if (!model_exists(s.how, model)) return no_such_model(s, model);
  const auto texts = read_inputs(member(s.body, "input"));
  s.prompt_hash = hash_inputs(texts);
  reply r;
  r.tokens = count_input_tokens(texts);
  auto& out = r.body.bytes;
  append(out, R"({"model":)", quoted{model}, R"(,"embeddings":[)");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_vector(embed_text(texts[i], s.how.embedding_dimensions, s.how.seed), out);
  }
  append(out, R"(],"total_duration":1000000,"load_duration":100000,"prompt_eval_count":)", r.tokens,
         "}");
  return r;
}

outcome ollama_embeddings(scene& s) {
  const auto texts = read_inputs(member(s.body, "prompt"));
  s.prompt_hash = hash_inputs(texts);
  reply r;
  r.tokens = count_input_tokens(texts);
  r.body.bytes = R"({"embedding":)";
  append_vector(embed_text(texts.empty() ? "" : texts[0], s.how.embedding_dimensions, s.how.seed),
                r.body.bytes);
  r.body.bytes += '}';
  return r;
}

}  // namespace graphbit::sim
