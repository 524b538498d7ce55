// The HTTP client by itself, without actors and wire formats: what the layers above start from.

#include <atomic>
#include <future>
#include <iostream>
#include <memory>
#include <string>

#include <graphbit/net/http_client.hpp>
#include <graphbit/runtime/reactor.hpp>
#include <graphbit/runtime/runtime.hpp>

#include "bench_job.hpp"

namespace graphbit::bench {
namespace {

/// Keeps `job.lanes()` requests in flight until all are done. On the reactor's thread.
class load {
 public:
  load(reactor& home, bench_job& job) : home_(home), job_(job) {
    request_.target = std::make_shared<const std::string>("/v1/chat/completions");
    request_.headers = std::make_shared<const std::string>(
        "Authorization: Bearer bench-key-0123456789abcdef\r\nContent-Type: application/json\r\n");
    request_.body = job.body();
    request_.stream = job.streams();
    home_.post([this] {
      client_ = std::make_unique<http_client>(home_, origin{job_.tls, job_.host, job_.port},
                                              http_client_options{});
    });
  }
  void close() {
    std::promise<void> closed;
    home_.post([&] {
      client_.reset();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  /// `count` requests; the items (requests, or events of streams) that they gave.
  std::size_t run(std::size_t count) {
    std::promise<void> done;
    home_.post([&] {
      done_ = &done;
      left_ = open_ = count;
      events_ = 0;
      while (lanes_.size() < job_.lanes()) lanes_.push_back(std::make_unique<lane>(*this));
      for (auto& l : lanes_) ask(*l);
    });
    done.get_future().wait();
    return job_.scenario == "stream" ? events_ : count;
  }

 private:
  struct lane final : http_handler {
    explicit lane(load& l) : of(l) {}
    void on_data(std::string_view bytes) override { of.saw(*this, bytes); }
    void on_done(expected<http_response> result) override { of.finished(*this, result); }
    load& of;
    double started_ms = 0;
    bool first_seen = false;
  };

  void ask(lane& l) {
    if (left_ == 0) return;
    --left_;
    l.first_seen = false;
    if (job_.scenario == "sync" || job_.scenario == "first_chunk") l.started_ms = now_ms();
    http_timeouts timeouts;
    timeouts.total_at = steady_clock::now() + seconds{60};
    client_->start(request_, timeouts, l);
  }
  void saw(lane& l, std::string_view bytes) {
    events_ += count_events(bytes);
    if (job_.scenario == "first_chunk" && !std::exchange(l.first_seen, true))
      job_.samples_ms.push_back(now_ms() - l.started_ms);
  }
  void finished(lane& l, const expected<http_response>& result) {
    if (!result || result->status != 200) {
      std::cerr << "bench_http_client: "
                << (result ? std::to_string(result->status) : describe(result.error())) << '\n';
      std::_Exit(1);
    }
    if (job_.scenario == "sync") job_.samples_ms.push_back(now_ms() - l.started_ms);
    if (--open_ == 0) return done_->set_value();
    ask(l);
  }

  reactor& home_;
  bench_job& job_;
  http_request request_;
  std::unique_ptr<http_client> client_;
  std::vector<std::unique_ptr<lane>> lanes_;
  std::promise<void>* done_ = nullptr;
  std::size_t left_ = 0, open_ = 0, events_ = 0;
};

}  // namespace
}  // namespace graphbit::bench

int main(int argc, char** argv) {
  using namespace graphbit;
  bench::bench_job job(argc, argv, {"sync", "batch", "stream", "first_chunk", "mib"});
  runtime_options options;
  options.reactors = 1;
  options.worker_threads = 1;
  runtime rt(options);
  bench::load load(rt.reactor_at(0), job);
  load.run(std::max<std::size_t>(job.lanes(), job.requests() / 10));
  job.samples_ms.clear();
  job.begin();
  job.end(load.run(job.requests()));
  load.close();
  job.print("http_client alone");
}
