// What turning requests into bytes and bytes into replies costs.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <graphbit/net/sse_parser.hpp>
#include <graphbit/net/wire_format.hpp>

namespace graphbit {
namespace {

provider_config openai_config() {
  provider_config config;
  config.provider = "openai";
  config.api_key = secret("bench-key-0123456789abcdef");
  return resolve(config).value();
}

const wire_format& openai() { return *find_provider("openai")->wire; }

std::string reply(std::size_t text_bytes) {
  return R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant","content":")" +
         std::string(text_bytes, 'x') +
         R"("},"finish_reason":"stop"}],)"
         R"("usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})";
}

std::string event(const std::string& text) {
  return R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m",)"
         R"("choices":[{"index":0,"delta":{"content":")" +
         text + "\"},\"finish_reason\":null}]}\n\n";
}

std::string events(std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += event("word ");
  return all;
}

void encode_chat(benchmark::State& state) {
  const auto config = openai_config();
  chat_request request;
  request.messages.push_back({});
  request.messages.back().text.assign(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(openai().encode_chat(config, request, false, out));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(encode_chat)->Arg(64)->Arg(4096)->Arg(1 << 20);

void decode_chat(benchmark::State& state) {
  const auto config = openai_config();
  const std::string body = reply(static_cast<std::size_t>(state.range(0)));
  std::string scratch;
  for (auto _ : state) {
    scratch = body;  // decoding may change it
    benchmark::DoNotOptimize(openai().decode_chat(config, scratch));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(decode_chat)->Arg(64)->Arg(4096)->Arg(1 << 20);

// One receive brings `range` events; figures are per receive.
void decode_stream(benchmark::State& state) {
  const auto config = openai_config();
  const std::string bytes = events(static_cast<std::size_t>(state.range(0)));
  auto decoder = openai().decode_stream(config);
  std::vector<std::string> text;
  for (auto _ : state) {
    text.clear();
    benchmark::DoNotOptimize(decoder->feed(bytes, text));
    if (text.size() != static_cast<std::size_t>(state.range(0))) state.SkipWithError("lost text");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
// The number of iterations bounds the answer that the decoder keeps.
BENCHMARK(decode_stream)->Arg(1)->Arg(64)->Iterations(2000);

void parse_events(benchmark::State& state) {
  const std::string bytes = events(64);
  sse_parser parser;
  sse_event found;
  for (auto _ : state) {
    parser.feed(bytes);
    while (parser.next(found).value()) benchmark::DoNotOptimize(found.data);
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(parse_events);

}  // namespace
}  // namespace graphbit
