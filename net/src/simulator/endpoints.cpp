#include "endpoints.hpp"

#include <algorithm>
#include <array>

#include "compose.hpp"
#include "json_access.hpp"
#include "json_writing.hpp"
#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

constexpr std::array<std::string_view, 4> usual_models = {"gpt-4o-mini", "gpt-4o", "llama3.2",
                                                          "text-embedding-3-small"};

// In order: what is more special comes first.
constexpr std::array endpoints = {
    endpoint{"POST", "/deployments/", "/chat/completions", azure_wire, chat},
    endpoint{"POST", "/mistral/", "/chat/completions", mistral_wire, chat},
    endpoint{"POST", "", "/chat/completions", openai_wire, chat},
    endpoint{"POST", "", "/responses", responses_wire, chat},
    endpoint{"POST", "", "/messages", anthropic_wire, chat},
    endpoint{"POST", "", "/messages/count_tokens", anthropic_wire, count_tokens_of},
    endpoint{"POST", "/models/", ":generateContent", gemini_wire, chat},
    endpoint{"POST", "/models/", ":streamGenerateContent", gemini_wire, chat},
    endpoint{"POST", "/models/", ":embedContent", gemini_wire, gemini_embed},
    endpoint{"POST", "/models/", ":batchEmbedContents", gemini_wire, gemini_embed_batch},
    endpoint{"POST", "/models/", ":countTokens", gemini_wire, count_tokens_of},
    endpoint{"GET", "/v1beta/", "/models", gemini_wire, gemini_models},
    endpoint{"POST", "", "/api/chat", ollama_wire, chat},
    endpoint{"POST", "", "/api/generate", ollama_wire, chat},
    endpoint{"GET", "", "/api/tags", ollama_wire, ollama_tags},
    endpoint{"GET", "", "/api/ps", ollama_wire, ollama_running},
    endpoint{"GET", "", "/api/version", ollama_wire, ollama_version},
    endpoint{"POST", "", "/api/show", ollama_wire, ollama_show},
    endpoint{"POST", "", "/api/pull", ollama_wire, ollama_pull},
    endpoint{"POST", "", "/api/embed", ollama_wire, ollama_embed},
    endpoint{"POST", "", "/api/embeddings", ollama_wire, ollama_embeddings},
    endpoint{"POST", "", "/predictions", replicate_wire, replicate_create},
    endpoint{"POST", "/predictions/", "/cancel", replicate_wire, replicate_cancel},
    endpoint{"GET", "/predictions/", "/stream", replicate_wire, replicate_stream},
    endpoint{"GET", "/predictions/", "", replicate_wire, replicate_get},
    endpoint{"POST", "/deployments/", "/embeddings", azure_wire, openai_embeddings},
    endpoint{"POST", "/mistral/", "/embeddings", mistral_wire, openai_embeddings},
    endpoint{"POST", "", "/embeddings", openai_wire, openai_embeddings},
    endpoint{"GET", "", "/models", openai_wire, openai_models},
    endpoint{"GET", "/models/", "", openai_wire, openai_model},
    endpoint{"POST", "/feature-extraction", "", huggingface_wire, huggingface_features},
    endpoint{"POST", "/models/", "", huggingface_wire, chat},
};

std::optional<refusal> too_long(const scene& s, const question& asked) {
  const auto tokens = count_tokens(asked.prompt_bytes);
  const auto most = s.how.context_tokens_max;
  if (most == 0 || tokens <= most) return std::nullopt;
  return s.family.too_long(tokens, most);
}

/// The provider breaks down in the middle of a stream and says so in its own words.
outcome broken_stream(const scene& s, reply&& r) {
  refusal why;
  why.status = 500;
  why.message = "The server had an error while processing your request. Sorry about that!";
  auto& ends = r.body.ends;
  if (ends.empty()) return tl::unexpected(std::move(why));
  ends.erase(ends.begin() + std::max<std::ptrdiff_t>(1, std::ssize(ends) / 2), ends.end());
  r.body.bytes.resize(ends.back());
  if (!s.family.write_stream_error(why, r.body)) return tl::unexpected(std::move(why));
  return std::move(r);
}

}  // namespace

const endpoint* find_endpoint(std::string_view method, std::string_view path) {
  for (const auto& e : endpoints)
    if (e.method == method && path.ends_with(e.path_end) &&
        (e.path_part.empty() || path.find(e.path_part) != std::string_view::npos))
      return &e;
  return nullptr;
}

outcome chat(scene& s) {
  question asked;
  if (auto why = s.family.read_chat(s.request, s.body, asked))
    return tl::unexpected(std::move(*why));
  s.prompt_hash = asked.prompt_hash;
  if (!model_exists(s.how, asked.model)) return no_such_model(s, asked.model);
  if (auto why = too_long(s, asked)) return tl::unexpected(std::move(*why));
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
  if (s.broken == fault::error_mid) return broken_stream(s, std::move(r));
  return r;
}

outcome count_tokens_of(scene& s) {
  question asked;
  if (auto why = s.family.read_chat(s.request, s.body, asked))
    return tl::unexpected(std::move(*why));
  const auto tokens = std::max<std::size_t>(1, count_tokens(asked.prompt_bytes));
  reply r;
  const bool google = s.request.path().ends_with(":countTokens");
  append(r.body.bytes, google ? R"({"totalTokens":)" : R"({"input_tokens":)", tokens, "}");
  return r;
}

// ---- what several endpoints need ---------------------------------------------------------------

tl::unexpected<refusal> refuse(int status, std::string message, std::string code,
                               std::string type) {
  refusal why;
  why.status = status;
  why.message = std::move(message);
  why.code = std::move(code);
  why.type = std::move(type);
  return tl::unexpected(std::move(why));
}

bool model_exists(const behaviour& how, std::string_view model) {
  return how.models.empty() ||
         std::find(how.models.begin(), how.models.end(), model) != how.models.end();
}

tl::unexpected<refusal> no_such_model(const scene& s, std::string_view model) {
  return tl::unexpected(s.family.unknown_model(model));
}

std::vector<std::string> models_of(const behaviour& how) {
  if (!how.models.empty()) return how.models;
  return {usual_models.begin(), usual_models.end()};
}

std::optional<outcome> scripted_end(const script_rule& rule) {
  if (rule.raw) {
    reply r;
    if (rule.status != 0) r.status = rule.status;
    r.content_type = rule.content_type;
    r.headers = rule.headers;
    r.latency_ms = rule.latency_ms;
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

std::vector<std::string> read_inputs(const json* input) {
  std::vector<std::string> texts;
  const auto add_tokens = [&](const json& tokens) {
    std::string text;
    for (const auto& t : tokens.GetArray())
      if (t.IsUint64()) append(text, "t", t.GetUint64(), " ");
    texts.push_back(std::move(text));
  };
  if (input && input->IsString()) texts.emplace_back(text_of(*input));
  if (!input || !input->IsArray() || input->Empty()) return texts;
  if ((*input)[0].IsNumber()) {
    add_tokens(*input);
    return texts;
  }
  for (const auto& item : input->GetArray()) {
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

}  // namespace graphbit::sim
