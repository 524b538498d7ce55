// Answers each line of standard input, any number of them, in order: a line of JSON per prompt.
// Memory is bounded by what is in flight; an outage of the provider pauses the work.
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <graphbit/actors/batch.hpp>
#include <graphbit/actors/completions.hpp>

#include "failure.hpp"

namespace {

using namespace graphbit;

// What the batch's reactor tells, for the main thread, which alone reads and writes files: a
// listener must not block.
struct desk {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t room = 0;
  std::map<std::uint64_t, std::string> answers;
  std::optional<batch_summary> summary;

  template <class F>
  void change(F f) {
    const std::lock_guard guard(mutex);
    f();
    changed.notify_one();
  }
};

class teller final : public batch_listener {
 public:
  explicit teller(std::shared_ptr<desk> to) : to_(std::move(to)) {}
  void on_wanted(std::size_t count) override {
    to_->change([&] { to_->room += count; });
  }
  void on_outcome(batch_outcome outcome) override {
    json_value line;
    line.set("line", outcome.index + 1);
    if (outcome.result)
      line.set("answer", std::get<chat_response>(*outcome.result).content);
    else
      line.set("error", describe(outcome.result.error()));
    to_->change([&] { to_->answers.emplace(outcome.index, to_json(line)); });
  }
  void on_done(const batch_summary& summary) override {
    to_->change([&] { to_->summary = summary; });
  }

 private:
  std::shared_ptr<desk> to_;
};

// Reads a line whenever there is room for one more, and writes answers in the lines' order.
batch_summary work_through(const batch& work, desk& d) {
  std::uint64_t next = 0, written = 0;
  bool reading = true;
  for (;;) {
    std::unique_lock guard(d.mutex);
    d.changed.wait(guard, [&] {
      return d.summary || (reading && d.room > 0) || d.answers.count(written) > 0;
    });
    for (auto ready = d.answers.find(written); ready != d.answers.end();
         ready = d.answers.find(++written)) {
      std::printf("%s\n", ready->second.c_str());
      d.answers.erase(ready);
    }
    if (d.summary) return *d.summary;
    if (!reading || d.room == 0) continue;
    --d.room;
    guard.unlock();
    std::string line;
    reading = static_cast<bool>(std::getline(std::cin, line));
    if (reading)
      work.add({{.index = next++, .request = ask(line), .idempotency_key = {}}});
    else
      work.close();
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: batch_tool BASE_URL <PROMPTS\n"), 2;
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = argv[1];
  config.model = "gpt-4o-mini";

  runtime rt;
  const auto d = std::make_shared<desk>();
  const auto client = provider_client::open(rt, config).value();
  const auto work = batch::start(rt, client, {}, std::make_unique<teller>(d)).value();
  const auto summary = work_through(work, *d);
  std::fprintf(stderr, "%llu answered, %llu failed\n",
               static_cast<unsigned long long>(summary.succeeded),
               static_cast<unsigned long long>(summary.failed));
  return summary.failed == 0 && !summary.stopped_by ? 0 : 1;
} catch (...) {
  return tell_failure("batch_tool");
}
