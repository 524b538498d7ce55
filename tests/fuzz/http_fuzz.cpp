// Responses from a server that may be broken or hostile: what is read does not depend on how the
// network cuts it, and a coded body is undone within its bounds. The first byte chooses the coding.
#include <array>
#include <string>

#include "fuzz/require.hpp"
#include "src/coding/content_decoder.hpp"
#include "src/http_response_parser.hpp"

namespace {

using namespace graphbit;
using graphbit::fuzz::require;

struct outcome {
  int status = 0;
  std::string body;
  bool sound = false;
  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome parse(std::string_view text, std::size_t piece_bytes) {
  http_headers headers;
  http_response_parser parser(1024);
  parser.start(headers, false);
  outcome out;
  auto event = http_response_parser::event::need_more;
  const auto take = [&](std::string_view& input) {
    do {
      event = parser.next(input);
      if (event == http_response_parser::event::body) out.body += parser.bytes();
    } while (event == http_response_parser::event::body ||
             event == http_response_parser::event::head_complete);
    return event == http_response_parser::event::need_more;
  };
  bool more = true;
  while (more && !text.empty()) {
    const std::string receive(text.substr(0, piece_bytes));  // gone before the next one
    text.remove_prefix(receive.size());
    std::string_view input = receive;
    more = take(input);
    require(!more || input.empty(), "asks for more only when all is used up");
  }
  if (more) event = parser.finish();
  out.sound = event == http_response_parser::event::complete;
  out.status = parser.status();
  return out;
}

void decode(std::string_view coding, std::string_view input) {
  const auto decoder = content_decoder::make(coding);
  std::string out;
  constexpr std::size_t room = 4096;
  for (int steps = 0; steps < 64; ++steps) {
    const std::size_t before = out.size();
    const auto more = (*decoder)->decode(input, out, room);
    require(out.size() - before <= room, "no more than there is room for");
    if (!more || !*more) break;
  }
  static_cast<void>((*decoder)->finish());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const outcome whole = parse(text, text.size() + 1);
  for (const std::size_t piece_bytes : {1u, 2u, 7u, 64u})
    require(parse(text, piece_bytes) == whole, "a response does not depend on the cuts");
  constexpr std::array codings{"gzip", "deflate", "br", "zstd"};
  decode(codings[data[0] % codings.size()], text);
  return 0;
}
