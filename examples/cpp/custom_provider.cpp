// A provider that the table does not know: this file says how its requests are written and its
// answers read, and gets retries, limits, breaker, streams and workflows for it.
//
// The wire: POST /say {"text": "...", "stream": bool}; the answer is {"said": "..."}, streamed as
// one line per word, {"word": "..."}, and {"end": true} as the last.
#include <cstdio>
#include <string>

#include <graphbit/actors/completions.hpp>
#include <graphbit/net/custom_provider.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "failure.hpp"

namespace {

using namespace graphbit;

struct parrot {
  static constexpr auto framing = stream_framing::ndjson;

  std::string target(const provider_config&, bool) const { return "/say"; }

  expected<std::string> encode(const provider_config&, const chat_request& request,
                               bool stream) const {
    json_value body;
    body.set("text", request.messages.empty() ? "" : request.messages.back().text);
    body.set("stream", stream);
    return to_json(body);
  }

  expected<chat_response> decode(const provider_config&, std::string_view text) const {
    const auto body = parse_json(text);
    if (!body) return fail(body.error());
    const auto* said = body->find("said");
    if (said == nullptr || !said->is_string()) return fail(core_error("there is no \"said\""));
    chat_response answer;
    answer.content = said->as_string();
    return answer;
  }

  expected<decoded_chunk> decode_chunk(const provider_config&, std::string_view text) const {
    const auto line = parse_json(text);
    if (!line) return fail(line.error());
    decoded_chunk chunk;
    chunk.text = line->string_or("word");
    chunk.last = line->find("end") != nullptr;
    return chunk;
  }
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return std::fprintf(stderr, "usage: custom_provider BASE_URL PROMPT\n"), 2;
  provider_config config;
  config.provider = "parrot";
  config.base_url = argv[1];
  config.wire = make_wire(parrot{});

  runtime rt;
  const auto client = provider_client::open(rt, config).value();
  std::printf("%s\n", client.complete(ask(argv[2])).value().content.c_str());

  auto stream = completion_stream::open(client, ask(argv[2]));
  while (const auto word = stream.next()) std::printf("[%s]", word->c_str());
  std::printf("\n%s\n", stream.result().value().content.c_str());
  return 0;
} catch (...) {
  return tell_failure("custom_provider");
}
