// The events of a stream are the same however the network cuts it.
#include <string>
#include <utility>
#include <vector>

#include <graphbit/net/sse_parser.hpp>

#include "fuzz/require.hpp"

namespace {

using events = std::vector<std::pair<std::string, std::string>>;

events parse(std::string_view text, std::size_t piece_bytes) {
  graphbit::sse_parser parser;
  events out;
  while (!text.empty()) {
    const std::string receive(text.substr(0, piece_bytes));  // gone before the next one
    text.remove_prefix(receive.size());
    parser.feed(receive);
    graphbit::sse_event event;
    while (parser.next(event).value_or(false)) out.emplace_back(event.name, event.data);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const events whole = parse(text, size);
  for (const std::size_t piece_bytes : {1u, 2u, 3u, 7u, 64u})
    graphbit::fuzz::require(parse(text, piece_bytes) == whole, "events do not depend on the cuts");
  return 0;
}
