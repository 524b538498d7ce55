#include "engine_benchmark.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <graphbit/actors/executor.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "spent.hpp"

namespace graphbit::bench {

namespace {

constexpr int runs_count = 400, runs_at_once = 40;
constexpr int nodes_per_run = 50;
constexpr std::size_t answer_bytes = 1'000;

/// Answers at once, so that what is measured is ours.
class prompt_model final : public chat_backend {
 public:
  prompt_model() {
    random_source random(1);
    answer_ = words_by_chance(random, answer_bytes);
  }
  void submit(chat_request, call_options, std::unique_ptr<chat_sink> sink, bool,
              reactor& home) override {
    ++asked_;
    home.post([this, shared = std::shared_ptr<chat_sink>(std::move(sink))] {
      chat_response response;
      response.content = answer_;
      response.model = "prompt";
      response.usage.total_tokens = 250;
      shared->on_done(std::move(response));
    });
  }
  [[nodiscard]] const provider_config& config() const override { return config_; }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  provider_config config_;
  std::string answer_;
  std::atomic<int> asked_ = 0;
};

template <class T>
T needed(expected<T> value) {
  if (value) return std::move(*value);
  std::fprintf(stderr, "%s\n", value.error().message.c_str());
  std::exit(1);
}

/// A start, a fan-out, and one that joins it.
workflow wide(int nodes) {
  workflow flow("bench");
  const auto add = [&](const std::string& name) {
    static_cast<void>(
        needed(flow.add_node(needed(node::agent(name, {.prompt = "Say it: " + name})))));
  };
  add("start");
  for (int i = 2; i < nodes; ++i) add("node-" + std::to_string(i));
  add("end");
  for (int i = 2; i < nodes; ++i) {
    const auto name = "node-" + std::to_string(i);
    static_cast<void>(flow.connect("start", name));
    static_cast<void>(flow.connect(name, "end"));
  }
  return flow;
}

class world {
 public:
  explicit world(std::shared_ptr<run_store> store) {
    executor_options options;
    options.store = std::move(store);
    options.adopt = false;
    executor_ = needed(executor::open(runtime_, {}, options,
                                      [model = model_](const provider_config&) { return model; }));
  }

  /// Some runs at once, until all have ended.
  spent run(const std::string& prefix, int runs) {
    const auto flow = wide(nodes_per_run);
    std::atomic<int> ended = 0;
    const spent so_far;
    for (int i = 0; i < runs; ++i) {
      run_options options;
      options.run_id = prefix + std::to_string(i);
      while (i - ended >= runs_at_once) ended.wait(ended);
      static_cast<void>(needed(executor_.run(flow, std::move(options), [&](const run_result&) {
        ++ended;
        ended.notify_one();
      })));
    }
    for (int now = ended; now < runs; now = ended) ended.wait(now);
    return so_far;
  }
  [[nodiscard]] executor& doors() { return executor_; }
  [[nodiscard]] const prompt_model& model() const { return *model_; }

 private:
  runtime runtime_;
  std::shared_ptr<prompt_model> model_ = std::make_shared<prompt_model>();
  executor executor_;
};

constexpr double nodes_in_all = double{runs_count} * nodes_per_run;

}  // namespace

double cost_without_store() {
  world w(nullptr);
  static_cast<void>(w.run("engine-warm-", runs_at_once));
  return w.run("engine-", runs_count).cpu_seconds() / nodes_in_all * 1e6;
}

void measure_engine(const char* name, const std::shared_ptr<run_store>& store,
                    const std::function<double()>& server_cpu) {
  {
    world w(store);
    static_cast<void>(w.run("engine-warm-", runs_at_once));
    const auto bytes = needed(store->size()).bytes;
    const auto server = server_cpu();
    const auto took = w.run("engine-", runs_count);
    const double cpu = took.cpu_seconds() / nodes_in_all * 1e6, seconds = took.seconds();
    std::printf(
        "%-9s %5.1f us CPU per node of a run (server %.1f us), %.0f nodes/s, %.1f KB journal\n",
        name, cpu, (server_cpu() - server) / nodes_in_all * 1e6, nodes_in_all / seconds,
        static_cast<double>(needed(store->size()).bytes - bytes) / runs_count / 1e3);
  }
  constexpr int long_nodes = 1'000;
  workflow flow = wide(long_nodes);
  static_cast<void>(
      needed(flow.add_node(needed(node::wait("gate", {.signal = "go", .length = {}})))));
  static_cast<void>(flow.connect("end", "gate"));
  run_options options;
  options.run_id = "engine-long";
  {
    world w(store);
    static_cast<void>(needed(w.doors().run(flow, options, [](const run_result&) {})));
    while (needed(store->list({.state = stored_state::parked})).empty()) {
    }
  }
  static_cast<void>(
      needed(store->send_signal("engine-long", "go", "1").transform([] { return 1; })));
  world w(store);
  const spent took;
  const auto result = needed(w.doors().execute(flow, options));
  std::printf(
      "%-9s %5.1f ms to go on with a run of %d recorded nodes to its end (%d asked again)\n", name,
      took.seconds() * 1e3, long_nodes, w.model().asked());
}

}  // namespace graphbit::bench
