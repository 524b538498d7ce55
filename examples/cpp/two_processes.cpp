// A cluster of processes: members carry work out, an owner has it. Start one or more members, then
// an owner that answers each line of its standard input by a workflow of two nodes: a model call
// and a function, both of which run on members. A member may end at any time: what it had is
// carried out by another.
//
//   two_processes member 127.0.0.1:0                        says where it listens
//   two_processes owner BASE_URL 127.0.0.1:4711 ... <QUESTIONS
//
// Beyond this machine both need certificates (docs/cluster.md).
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include <graphbit/actors/executor.hpp>
#include <graphbit/cluster/node.hpp>
#include <graphbit/cluster/owner.hpp>

#include "failure.hpp"

namespace {

using namespace graphbit;

constexpr const char* usage =
    "usage: two_processes member HOST:PORT\n"
    "       two_processes owner BASE_URL MEMBER... <QUESTIONS\n";
constexpr milliseconds members_patience{20'000};
constexpr milliseconds drain_patience{10'000};

// Says also which process counted, to show where work is done.
expected<json_value> count_words(const json_value& arguments) {
  bool inside = false;
  std::int64_t words = 0;
  for (const unsigned char c : arguments.string_or("input")) {
    const bool letter = std::isspace(c) == 0;
    if (letter && !inside) ++words;
    inside = letter;
  }
  json_value counted;
  counted.set("words", words);
  counted.set("process", static_cast<std::int64_t>(::getpid()));
  return counted;
}

int be_member(const char* listen) {
  // Blocked before any thread starts, so that only this one takes them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  runtime rt;
  cluster::node_options options;
  options.listen = listen;
  options.callables = {{.name = "count_words", .call = count_words}};
  const auto member = cluster::node::start(rt, options).value();
  std::printf("%s\n", member->address().c_str());
  std::fflush(stdout);
  int taken = 0;
  sigwait(&ends, &taken);
  return member->drain(drain_patience) ? 0 : 1;
}

workflow make_flow(const cluster::owner& work) {
  workflow flow("question");
  flow.add_node(node::agent("answer", {.prompt = "Answer shortly: {question}"}).value()).value();
  transform_spec count;
  count.function = work.function("count_words");
  flow.add_node(node::transform("count", count).value()).value();
  if (!flow.connect("answer", "count")) throw std::runtime_error("the nodes do not connect");
  return flow;
}

int be_owner(const char* base_url, std::vector<std::string> members) {
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = base_url;
  config.model = "gpt-4o-mini";

  runtime rt;
  const auto count = members.size();
  const auto work = cluster::owner::open(rt, {.seeds = std::move(members)}).value();
  if (!work.wait_for_members(count, members_patience))
    std::fprintf(stderr, "not all members are there; going on with those that are\n");
  const auto flows = executor::open(rt, config, {}, work.backends()).value();
  const auto flow = make_flow(work);
  int failed = 0;
  for (std::string question; std::getline(std::cin, question);) {
    run_options options;
    options.inputs.set("question", question);
    const auto result = flows.execute(flow, std::move(options));
    const bool answered = result && result->is_success();
    if (!answered) ++failed;
    std::printf("%s\n", answered ? result->output_of("count")->c_str()
                        : result ? result->state_text().c_str()
                                 : describe(result.error()).c_str());
    std::fflush(stdout);
  }
  work.close();
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "member" && argc == 3) return be_member(argv[2]);
  if (role == "owner" && argc > 3) return be_owner(argv[2], {argv + 3, argv + argc});
  return std::fprintf(stderr, "%s", usage), 2;
} catch (...) {
  return tell_failure("two_processes");
}
