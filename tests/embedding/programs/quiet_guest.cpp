// A guest in its process: the engine prints nothing, handles no signal, and leaves no thread
// behind.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <graphbit/actors/completions.hpp>
#include <graphbit/net/simulator.hpp>

namespace {

using namespace graphbit;

FILE* words = nullptr;  // where this program itself speaks

int end(const char* why) {
  std::fprintf(words, "quiet_guest: %s\n", why);
  std::fflush(words);
  std::_Exit(1);
}

using handlers = std::array<struct sigaction, 32>;

handlers handlers_now() {
  handlers now{};
  for (int signal = 1; signal < 32; ++signal) sigaction(signal, nullptr, &now[signal]);
  return now;
}

bool same(const handlers& a, const handlers& b) {
  for (int signal = 1; signal < 32; ++signal)
    if (a[signal].sa_handler != b[signal].sa_handler || a[signal].sa_flags != b[signal].sa_flags)
      return false;
  return true;
}

sigset_t blocked_now() {
  sigset_t now{};
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return now;
}

std::size_t threads_now() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

workflow two_steps() {
  workflow flow("two steps");
  const callable twice{.name = "twice",
                       .call = [](const json_value&) -> expected<json_value> { return {"done"}; }};
  flow.add_node(node::agent("first", {.prompt = "hi"}).value()).value();
  flow.add_node(node::transform("second", {.function = twice}).value()).value();
  return flow;
}

void live_a_life(const std::string& base_url) {
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = base_url;
  config.model = "test-model";
  runtime rt;
  const auto client = provider_client::open(rt, config).value();
  if (!client.complete(ask("hi"))) end("no answer");
  auto stream = completion_stream::open(client, ask("hi"));
  while (stream.next()) {
  }
  const auto flows = executor::open(rt, config).value();
  if (!flows.execute(two_steps()).value().is_success()) end("the run failed");
}

}  // namespace

int main() {
  words = fdopen(dup(STDERR_FILENO), "w");
  char path[] = "/tmp/quiet_guest_XXXXXX";
  const int all_output = mkstemp(path);
  if (words == nullptr || all_output < 0) return 1;
  unlink(path);
  dup2(all_output, STDOUT_FILENO);
  dup2(all_output, STDERR_FILENO);

  sim::simulator provider;
  if (!provider.start()) end("no provider");
  const auto handlers_before = handlers_now();
  const auto blocked_before = blocked_now();
  const auto threads_before = threads_now();
  live_a_life(provider.url() + "/v1");

  if (!same(handlers_before, handlers_now())) end("a signal has another handler");
  const auto blocked_after = blocked_now();
  for (int signal = 1; signal < 32; ++signal)
    if (sigismember(&blocked_before, signal) != sigismember(&blocked_after, signal))
      end("this thread's blocked signals changed");
  // A thread that was joined may stand in /proc a moment longer.
  for (int looks = 0; threads_now() != threads_before; ++looks) {
    if (looks == 10'000) end("a thread is left");
    usleep(1'000);
  }
  struct stat written {};
  if (fstat(all_output, &written) != 0 || written.st_size != 0) end("something was printed");
  return 0;
}
