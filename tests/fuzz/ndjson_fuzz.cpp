// The lines of a stream are the same however the network cuts it.
#include <string>
#include <vector>

#include <graphbit/net/sse_parser.hpp>

#include "fuzz/require.hpp"

namespace {

std::vector<std::string> parse(std::string_view text, std::size_t piece_bytes) {
  graphbit::ndjson_parser parser;
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::string receive(text.substr(0, piece_bytes));  // gone before the next one
    text.remove_prefix(receive.size());
    parser.feed(receive);
    std::string_view line;
    while (parser.next(line).value_or(false)) out.emplace_back(line);
  }
  out.emplace_back(parser.rest());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = parse(text, size);
  for (const std::size_t piece_bytes : {1u, 2u, 3u, 7u, 64u})
    graphbit::fuzz::require(parse(text, piece_bytes) == whole, "lines do not depend on the cuts");
  return 0;
}
