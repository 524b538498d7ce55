// Two agents, the second working on the first one's answer.
#include <cstdio>

#include <graphbit/actors/executor.hpp>

#include "failure.hpp"

int main(int argc, char** argv) try {
  using namespace graphbit;
  if (argc != 2) return std::fprintf(stderr, "usage: two_steps BASE_URL\n"), 2;
  provider_config config;
  config.provider = "openai";
  config.base_url = argv[1];

  workflow flow("two steps");
  for (auto& step : {node::agent("facts", {.prompt = "Name three facts on {topic}."}),
                     node::agent("story", {.prompt = "Tell a story from these facts."})})
    flow.add_node(step.value()).value();
  if (!flow.connect("facts", "story")) return 1;

  runtime rt;
  run_options options;
  options.inputs.set("topic", "the sea");
  const auto result = executor::open(rt, config).value().execute(flow, options).value();
  std::printf("%s\n%s\n", result.state_text().c_str(), result.output_of("story")->c_str());
  return result.is_success() ? 0 : 1;
} catch (...) {
  return tell_failure("two_steps");
}
