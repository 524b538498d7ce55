// Workflow files from anybody: what is read can be written and read again to the same, and is drawn
// and checked without harm.
#include <string>

#include <graphbit/actors/graph_svg.hpp>
#include <graphbit/actors/workflow.hpp>

#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace graphbit;
  using graphbit::fuzz::require;
  const auto document = parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) return 0;
  const auto flow = workflow::from_json(*document);
  if (!flow) return 0;
  static_cast<void>(flow->validate());
  static_cast<void>(flow->to_mermaid());
  const json_value written = flow->to_json();
  const auto again = workflow::from_json(written);
  require(again.has_value(), "what was written can be read");
  require(again->to_json() == written, "and is the same");
  return 0;
}
