// The request pipeline from C++: retry, breaker, limiter, wire format and the actors around them,
// on top of the HTTP client that bench_http_client measures alone. The scenario `dead` asks a
// provider that refuses connections, and measures calls once the breaker is open.

#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <graphbit/actors/provider_client.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "bench_job.hpp"

namespace graphbit::bench {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  std::cerr << "bench_pipeline: " << what << '\n';
  std::_Exit(1);
}

/// Keeps `job.lanes()` calls under way until all are done. Its sinks run on the reactor.
class load {
 public:
  load(provider_client client, bench_job& job) : client_(std::move(client)), job_(job) {
    request_.messages.push_back({.role = chat_role::user, .text = "Say hello."});
  }

  void run(std::size_t count, bool may_fail) {
    std::promise<void> done;
    client_.home().post([&] {
      done_ = &done;
      may_fail_ = may_fail;
      left_ = open_ = count;
      for (std::size_t i = 0; i < job_.lanes(); ++i) ask();
    });
    done.get_future().wait();
  }

  [[nodiscard]] bool is_rejected() const {
    const auto answer = client_.complete(request_);
    return !answer && answer.error().attempts == 0;
  }

 private:
  struct sink final : chat_sink {
    explicit sink(load& l) : of(l) {}
    bool on_text(std::vector<std::string>&) override { return true; }
    void on_done(expected<chat_response> result) override { of.finished(result); }
    load& of;
  };

  void ask() {
    if (left_ == 0) return;
    --left_;
    client_.submit(request_, {}, std::make_unique<sink>(*this), false, &client_.home());
  }
  void finished(const expected<chat_response>& result) {
    if (!result && !may_fail_) give_up(describe(result.error()));
    if (--open_ == 0) return done_->set_value();
    ask();
  }

  provider_client client_;
  bench_job& job_;
  chat_request request_;
  std::promise<void>* done_ = nullptr;
  std::size_t left_ = 0, open_ = 0;
  bool may_fail_ = false;
};

void measure(load& work, bench_job& job) {
  const bool dead = job.scenario == "dead";
  if (dead)
    while (!work.is_rejected()) {
    }
  else
    work.run(std::max<std::size_t>(job.lanes(), job.requests() / 10), false);
  job.begin();
  work.run(job.requests(), dead);
  job.end(job.requests());
}

}  // namespace
}  // namespace graphbit::bench

int main(int argc, char** argv) {
  using namespace graphbit;
  bench::bench_job job(argc, argv, {"sync", "batch", "dead"});
  runtime rt({.worker_threads = 1, .reactors = 1});
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = "http://" + job.host + ':' + std::to_string(job.port) + "/v1";
  config.model = "sim";
  config.api_key = secret("bench-key-0123456789abcdef");
  const auto client = provider_client::open(rt, config);
  if (!client) bench::give_up(describe(client.error()));
  bench::load work(*client, job);
  bench::measure(work, job);
  job.print("request pipeline");
}
