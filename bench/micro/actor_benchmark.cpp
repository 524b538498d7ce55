// What reaching an actor costs: on its own reactor by a driving caller, and on CAF's scheduler.
#include <benchmark/benchmark.h>

#include <graphbit/runtime/pinned_actor.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {
namespace {

using ask = caf::atom_constant<caf::atom("ask")>;
constexpr auto patience = caf::duration{caf::time_unit::seconds, 10};

using pinned_echo = caf::stateful_actor<int, pinned_actor>;
caf::behavior echo_pinned(pinned_echo*) {
  return {[](ask, std::uint64_t waiter) {
    reactor::finish(*reinterpret_cast<reactor::waiter*>(waiter));
  }};
}

void hop_to_a_pinned_actor(benchmark::State& state) {
  runtime rt{{.worker_threads = 1, .reactors = 1}};
  auto& home = rt.reactor_at(0);
  const auto actor = spawn_on(home, echo_pinned);
  for (auto _ : state) {
    reactor::waiter done;
    const auto address = reinterpret_cast<std::uint64_t>(&done);
    const auto send = [&] { caf::anon_send(actor, ask::value, address); };
    if (!home.drive(done, send, {})) state.SkipWithError("interrupted");
  }
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}
BENCHMARK(hop_to_a_pinned_actor)->UseRealTime();

caf::behavior ends_at_once(pinned_echo* self) {
  return {[self](ask, std::uint64_t waiter) {
    reactor::finish(*reinterpret_cast<reactor::waiter*>(waiter));
    self->quit();
  }};
}

// What a workflow pays per node, beside the node's work: an actor's whole life.
void life_of_a_pinned_actor(benchmark::State& state) {
  runtime rt{{.worker_threads = 1, .reactors = 1}};
  auto& home = rt.reactor_at(0);
  for (auto _ : state) {
    reactor::waiter done;
    const auto address = reinterpret_cast<std::uint64_t>(&done);
    const auto live = [&] { caf::anon_send(spawn_on(home, ends_at_once), ask::value, address); };
    if (!home.drive(done, live, {})) state.SkipWithError("interrupted");
  }
}
BENCHMARK(life_of_a_pinned_actor)->MeasureProcessCPUTime()->UseRealTime();

caf::behavior echo_scheduled(caf::event_based_actor*) {
  return {[](ask, std::uint64_t n) { return n; }};
}

void hop_to_a_scheduled_actor(benchmark::State& state) {
  runtime rt{{.worker_threads = 1, .reactors = 1}};
  const auto actor = rt.system().spawn(echo_scheduled);
  {
    caf::scoped_actor self{rt.system()};
    for (auto _ : state)
      self->request(actor, patience, ask::value, std::uint64_t{1})
          .receive([](std::uint64_t n) { benchmark::DoNotOptimize(n); },
                   [&](caf::error&) { state.SkipWithError("no answer"); });
  }
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}
BENCHMARK(hop_to_a_scheduled_actor)->UseRealTime();

}  // namespace
}  // namespace graphbit
