// Our reading of replies beside simdjson's on the same bytes: the yardstick.
#include <cstdio>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <graphbit/net/wire_format.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit {
namespace {

const wire_format& openai() { return *find_provider("openai")->wire; }

provider_config openai_config() {
  provider_config config;
  config.provider = "openai";
  config.api_key = secret("bench-key-0123456789abcdef");
  return resolve(config).value();
}

/// A reply of about 1 KB, shaped as OpenAI sends it; text of lines, as models write.
std::string recorded_reply(std::size_t text_bytes) {
  std::string text;
  while (text.size() < text_bytes)
    text += R"(A line of an answer, about as long as those in prose, with one \"quotation\".\n)";
  return R"({
  "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
  "object": "chat.completion",
  "created": 1741569952,
  "model": "gpt-4o-mini-2024-07-18",
  "choices": [
    {
      "index": 0,
      "message": {
        "role": "assistant",
        "content": ")" +
         text + R"(",
        "refusal": null,
        "annotations": []
      },
      "logprobs": null,
      "finish_reason": "stop"
    }
  ],
  "usage": {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
  },
  "service_tier": "default",
  "system_fingerprint": "fp_44709d6fcb"
})";
}

/// An embeddings reply with numbers as OpenAI prints them.
std::string embeddings_reply(std::size_t vectors, std::size_t dimensions) {
  random_source random(1);
  std::string body = R"({"object":"list","data":[)";
  char number[32];
  for (std::size_t v = 0; v < vectors; ++v) {
    body += v == 0 ? "" : ",";
    body += R"({"object":"embedding","index":)" + std::to_string(v) + R"(,"embedding":[)";
    for (std::size_t d = 0; d < dimensions; ++d) {
      std::snprintf(number, sizeof number, d == 0 ? "%.9g" : ",%.9g", random.uniform() * 0.2 - 0.1);
      body += number;
    }
    body += "]}";
  }
  return body +
         R"(],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}})";
}

void count_bytes(benchmark::State& state, const std::string& body) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}

void reply_ours(benchmark::State& state) {
  const auto config = openai_config();
  const std::string body = recorded_reply(static_cast<std::size_t>(state.range(0)));
  std::string scratch;
  for (auto _ : state) {
    scratch = body;  // reading changes it
    benchmark::DoNotOptimize(openai().decode_chat(config, scratch));
  }
  count_bytes(state, body);
}
BENCHMARK(reply_ours)->Arg(300)->Arg(1 << 20);

/// What ours does, by simdjson: the same members taken out of the same bytes.
void reply_simdjson(benchmark::State& state) {
  const std::string body = recorded_reply(static_cast<std::size_t>(state.range(0)));
  simdjson::dom::parser parser;
  for (auto _ : state) {
    const simdjson::dom::element doc = parser.parse(body);
    chat_response response;
    response.content = std::string_view(doc["choices"].at(0)["message"]["content"]);
    response.id = std::string_view(doc["id"]);
    response.model = std::string_view(doc["model"]);
    response.usage.prompt_tokens =
        static_cast<std::uint32_t>(std::uint64_t(doc["usage"]["prompt_tokens"]));
    response.usage.completion_tokens =
        static_cast<std::uint32_t>(std::uint64_t(doc["usage"]["completion_tokens"]));
    benchmark::DoNotOptimize(response);
  }
  count_bytes(state, body);
}
BENCHMARK(reply_simdjson)->Arg(300)->Arg(1 << 20);

void embeddings_ours(benchmark::State& state) {
  const auto config = openai_config();
  const std::string body = embeddings_reply(static_cast<std::size_t>(state.range(0)), 1536);
  std::string scratch;
  for (auto _ : state) {
    scratch = body;
    benchmark::DoNotOptimize(openai().decode_embeddings(config, scratch));
  }
  count_bytes(state, body);
}
BENCHMARK(embeddings_ours)->Arg(16)->Arg(2048)->Unit(benchmark::kMillisecond);

void embeddings_simdjson(benchmark::State& state) {
  const std::string body = embeddings_reply(static_cast<std::size_t>(state.range(0)), 1536);
  simdjson::dom::parser parser;
  for (auto _ : state) {
    std::vector<std::vector<float>> vectors;
    for (const simdjson::dom::element item : parser.parse(body)["data"].get_array()) {
      auto& vector = vectors.emplace_back();
      vector.reserve(1536);
      for (const double number : item["embedding"].get_array())
        vector.push_back(static_cast<float>(number));
    }
    benchmark::DoNotOptimize(vectors);
  }
  count_bytes(state, body);
}
BENCHMARK(embeddings_simdjson)->Arg(16)->Arg(2048)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace graphbit
