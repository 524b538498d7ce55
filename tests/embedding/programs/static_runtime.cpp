// A runtime that is a static object, as services have them: it ends after main's thread-locals,
// with a call in flight and a handle still held. Run it under AddressSanitizer, too.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <graphbit/actors/executor.hpp>
#include <graphbit/net/simulator.hpp>
#include <graphbit/runtime/caf.hpp>

namespace {

using namespace graphbit;

workflow one_step() {
  workflow flow("one step");
  flow.add_node(node::agent("only", {.prompt = "Say something."}).value()).value();
  return flow;
}

// Outlives the runtime, and looks at what its end left behind.
struct service {
  executor handle;
  bool given_up = false;

  ~service() {
    if (!given_up) end("the call in flight got no answer");
    if (handle.execute(one_step())) end("a call after the runtime's end did not fail");
  }
  static void end(const char* why) {
    std::fprintf(stderr, "static_runtime: %s\n", why);
    std::_Exit(3);
  }
};

service outliving;
sim::simulator provider;
runtime rt{{.worker_threads = 2, .reactors = 2}};

}  // namespace

int main() try {
  if (!provider.start()) return 1;
  // A spawn of the service's own leaves CAF's logger with this thread.
  rt.system().spawn([] { return caf::behavior{[](int) {}}; });
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = provider.url() + "/v1";
  config.model = "test-model";
  outliving.handle = executor::open(rt, config).value();
  if (!outliving.handle.execute(one_step()).value().is_success()) return 1;
  if (!provider.configure(R"({"latency_ms": 60000})")) return 1;
  outliving.handle
      .run(one_step(), {}, [](const run_result& r) { outliving.given_up = !r.is_success(); })
      .value();
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "static_runtime: %s\n", e.what());
  std::_Exit(1);
}
