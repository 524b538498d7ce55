// Frames from a peer that nobody vouches for: reading never goes wrong, and what was read can be
// written and read again to the same bytes.
#include <string>
#include <vector>

#include <src/wire/frame.hpp>

#include "fuzz/require.hpp"

namespace {

using namespace graphbit::cluster;

std::string bytes_of(const std::vector<message>& messages, std::uint16_t version) {
  std::string out;
  for (const auto& m : messages) encode(m, version, out);
  return out;
}

void try_version(std::string_view frame, std::uint16_t version) {
  frame_reader reader(version);
  const auto first = reader.read(frame);
  if (!first) return;
  frame_writer writer(version);
  for (const auto& m : *first) writer.add(m);
  frame_reader again(version);
  std::vector<message> second;
  for (const auto& written : writer.take()) {
    auto part = again.read(written);
    graphbit::fuzz::require(part.has_value(), "what was written can be read");
    for (auto& m : *part) second.push_back(std::move(m));
  }
  graphbit::fuzz::require(bytes_of(*first, version) == bytes_of(second, version),
                          "and is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_version(text, protocol_version_min);
  try_version(text, protocol_version);
  return 0;
}
