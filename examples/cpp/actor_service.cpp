// A service made of CAF actors, with an actor system of its own: it spawns our executor among its
// own actors and supervises all of them alike.
//
// Each line of standard input is a question. A `desk` actor passes it to the executor by a plain
// CAF request and has the answer shouted by another actor of the service, which is a node of the
// workflow. "crash" kills the executor, as a fault would: the supervisor starts another.
#include <cstdio>
#include <iostream>
#include <string>

#include <graphbit/actors/actor_interfaces.hpp>

#include "failure.hpp"

namespace {

using namespace graphbit;

using question_atom = caf::atom_constant<caf::atom("question")>;
constexpr auto answer_time_max = std::chrono::seconds(60);

struct service_config : caf::actor_system_config {
  service_config() { graphbit::add_message_types(*this); }  // before the system is made
};

caf::behavior shouter(caf::event_based_actor*) {
  return {[](const json_value& arguments) {
    auto text = to_text(*arguments.find("input"));
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return json_value(text);
  }};
}

// Where the present executor is found: the supervisor puts each new one in.
using executor_place = std::shared_ptr<executor_actor_type>;

caf::behavior desk(caf::event_based_actor* self, workflow flow, executor_place flows) {
  return {[=](question_atom, const std::string& question) {
    auto promise = self->make_response_promise<std::string>();
    run_order order{flow};
    order.options.inputs.set("question", question);
    self->request(*flows, answer_time_max, std::move(order))
        .then(
            [promise](const run_result& r) mutable {
              promise.deliver(r.output_of("shout").value_or(r.state_text()));
            },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
    return promise;
  }};
}

void converse(caf::actor_system& system, const caf::actor& to, const executor_place& flows) {
  const spawn_scope scope;
  caf::scoped_actor self{system};
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "crash") {
      self->monitor(*flows);
      caf::anon_send_exit(*flows, caf::exit_reason::kill);
      self->receive([](const caf::down_msg&) { std::puts("the executor is down"); });
      continue;
    }
    self->request(to, answer_time_max, question_atom::value, line)
        .receive([](const std::string& answer) { std::printf("%s\n", answer.c_str()); },
                 [](caf::error& e) { std::printf("error: %s\n", describe(from_caf(e)).c_str()); });
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: actor_service BASE_URL\n"), 2;
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = argv[1];
  config.model = "gpt-4o-mini";

  service_config settings;
  caf::actor_system system{settings};
  runtime rt{system, {}};  // ends before the system does

  const auto worker = system.spawn(shouter);
  workflow flow("ask");
  flow.add_node(node::agent("answer", {.prompt = "Answer shortly: {question}"}).value()).value();
  flow.add_node(node::transform("shout", {.function = actor_callable("shout", worker)}).value())
      .value();
  if (!flow.connect("answer", "shout")) return 1;

  const auto flows = std::make_shared<executor_actor_type>();
  const auto tree = supervisor::start(system, {.name = "service"});
  tree.start_child({.kind = "executor",
                    .name = "flows",
                    .lifetime = policy::child_lifetime::permanent,
                    .start = [&] {
                      *flows = spawn_executor(system, executor::open(rt, config).value());
                      return caf::actor_cast<caf::actor>(*flows);
                    }});
  const auto front = system.spawn(desk, flow, flows);
  converse(system, front, flows);
  caf::anon_send_exit(front, caf::exit_reason::user_shutdown);
  return tree.shut_down(seconds{10}) ? 0 : 1;
} catch (...) {
  return tell_failure("actor_service");
}
