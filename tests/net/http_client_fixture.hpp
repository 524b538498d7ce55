#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <graphbit/net/http_client.hpp>
#include <graphbit/runtime/reactor.hpp>
#include <graphbit/runtime/runtime.hpp>
#include <net/socket_server.hpp>

namespace graphbit::test {

using namespace std::chrono_literals;

/// Keeps all that a handler is told, for another thread to wait for.
class recorder final : public http_handler {
 public:
  void on_headers(const http_response& head) override {
    const std::lock_guard guard(mutex_);
    head_status_ = head.status;
    changed_.notify_all();
  }
  void on_data(std::string_view bytes) override {
    {
      const std::lock_guard guard(mutex_);
      pieces_.emplace_back(bytes);
      changed_.notify_all();
    }
    if (when_data) when_data();
  }
  void on_done(expected<http_response> result) override {
    const std::lock_guard guard(mutex_);
    ++done_count_;
    result_.emplace(std::move(result));
    changed_.notify_all();
  }
  /// The result; a Core error when none comes within ten seconds.
  [[nodiscard]] expected<http_response> wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 10s, [this] { return result_.has_value(); }))
      return fail(core_error("the test waited in vain"));
    return *result_;
  }
  [[nodiscard]] bool wait_for_pieces(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return pieces_.size() >= count; });
  }
  [[nodiscard]] std::vector<std::string> pieces() const {
    const std::lock_guard guard(mutex_);
    return pieces_;
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& piece : pieces()) all += piece;
    return all;
  }
  [[nodiscard]] int head_status() const {
    const std::lock_guard guard(mutex_);
    return head_status_;
  }
  [[nodiscard]] int done_count() const {
    const std::lock_guard guard(mutex_);
    return done_count_;
  }
  std::function<void()> when_data;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<expected<http_response>> result_;
  std::vector<std::string> pieces_;
  int head_status_ = 0;
  int done_count_ = 0;
};

inline http_request post(std::string body = "{}", bool stream = false) {
  http_request request;
  request.target = std::make_shared<const std::string>("/v1/x?y=1");
  request.headers = std::make_shared<const std::string>("Authorization: Bearer k\r\n");
  request.body = std::move(body);
  request.stream = stream;
  return request;
}

inline std::string ok(std::string_view body, std::string_view more_fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_fields) + "\r\n" + std::string(body);
}

/// A runtime with one reactor, and clients on it.
class http_client_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    runtime_options options;
    options.reactors = 1;
    options.worker_threads = 1;
    rt_ = std::make_unique<runtime>(options);
  }
  static void TearDownTestSuite() { rt_.reset(); }
  /// Runs `f` on the reactor's thread and waits for it.
  template <class F>
  static auto on_reactor(F f) {
    std::promise<decltype(f())> done;
    auto result = done.get_future();
    rt_->reactor_at(0).post([&] {
      if constexpr (std::is_void_v<decltype(f())>) {
        f();
        done.set_value();
      } else {
        done.set_value(f());
      }
    });
    return result.get();
  }
  /// Ends the client; declared after the server, so that the server sees its connections close.
  class connected {
   public:
    explicit connected(http_client_test& test) : test_(test) {}
    ~connected() { test_.disconnect(); }
    connected(const connected&) = delete;
    connected& operator=(const connected&) = delete;

   private:
    http_client_test& test_;
  };
  [[nodiscard]] connected connect_to(origin at, http_client_options options = {}) {
    on_reactor([&] {
      client_ =
          std::make_unique<http_client>(rt_->reactor_at(0), std::move(at), std::move(options));
    });
    return connected(*this);
  }
  [[nodiscard]] connected connect_to(const socket_server& server,
                                     http_client_options options = {}) {
    return connect_to(origin{false, "127.0.0.1", server.port()}, std::move(options));
  }
  void disconnect() {
    on_reactor([this] { client_.reset(); });
  }
  http_client::exchange_id start(recorder& to, http_request request = post(),
                                 http_timeouts timeouts = {}) {
    return on_reactor([&] { return client_->start(std::move(request), timeouts, to); });
  }
  expected<http_response> ask(http_request request = post(), http_timeouts timeouts = {}) {
    recorder to;
    start(to, std::move(request), timeouts);
    return to.wait();
  }
  http_pool_stats stats() {
    return on_reactor([this] { return client_->stats(); });
  }
  /// Waits until the statistics are as `test` wants; false after ten seconds.
  template <class Test>
  bool wait_for_stats(Test test) {
    for (int i = 0; i < 1000; ++i) {
      if (test(stats())) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  static inline std::unique_ptr<runtime> rt_;
  std::unique_ptr<http_client> client_;
};

}  // namespace graphbit::test
