// Lines of a batch file: any bytes give a request or an error, and what is answered to a line is
// itself a line of JSON that bears the line's own name.
#include <string>

#include <graphbit/net/batch_format.hpp>
#include <graphbit/net/wire_format.hpp>

#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace graphbit;
  using graphbit::fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string id = custom_id_of(text);
  const auto line = parse_batch_line(text);
  const std::string answer =
      line ? format_batch_result("batch_req_1", line->custom_id, chat_response{})
           : format_batch_error("batch_req_1", id, line.error());
  const auto read = parse_json(answer);
  require(read.has_value(), "an answer is a line of JSON");
  require(answer.find('\n') == std::string::npos, "and one line");
  if (!line) return 0;

  require(line->custom_id == id, "both readers see the same name");
  require(read->string_or("custom_id") == id, "the answer bears it");
  provider_config config;
  config.provider = "openai";
  config.model = "gpt";
  const auto* chat = std::get_if<chat_request>(&line->request);
  if (chat == nullptr) return 0;
  const auto& wire = *find_provider("openai")->wire;
  std::string body;
  if (wire.encode_chat(config, *chat, false, body))
    require(parse_json(body).has_value(), "what is asked is JSON");
  return 0;
}
