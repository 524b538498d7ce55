#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <graphbit/actors/provider_client.hpp>
#include <graphbit/net/simulator.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::testing {

/// A runtime and a simulated provider for tests of what stands between them.
class provider_fixture : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(provider.start()); }
  void TearDown() override {
    rt.shutdown();
    provider.stop();
  }

  void behave(std::string_view json) { ASSERT_TRUE(provider.configure(json)); }

  [[nodiscard]] provider_config config() const {
    provider_config c;
    c.provider = "openai_compatible";
    c.base_url = provider.url() + "/v1";
    c.model = "test-model";
    return c;
  }
  [[nodiscard]] provider_client open(provider_config c) {
    auto client = provider_client::open(rt, std::move(c));
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
    return *client;
  }
  [[nodiscard]] static chat_request ask(std::string text) {
    chat_request r;
    r.messages.push_back({.role = chat_role::user, .text = std::move(text)});
    return r;
  }
  /// Requests that reached the provider.
  [[nodiscard]] std::uint64_t requests() {
    const auto counters = parse_json(provider.counters());
    return static_cast<std::uint64_t>(counters->find("requests")->as_double());
  }

  sim::simulator provider;
  runtime rt{{.worker_threads = 2, .reactors = 1}};
};

/// Collects what many calls come to, on whichever threads.
class outcomes {
 public:
  class sink final : public chat_sink {
   public:
    explicit sink(outcomes& all, bool pause = false) : all_(all), pause_(pause) {}
    bool on_text(std::vector<std::string>& deltas) override {
      const std::lock_guard guard(all_.mutex_);
      for (auto& d : deltas) all_.text_ += d;
      all_.changed_.notify_all();
      return !pause_;
    }
    void on_done(expected<chat_response> result) override {
      const std::lock_guard guard(all_.mutex_);
      all_.results_.push_back(std::move(result));
      all_.changed_.notify_all();
    }

   private:
    outcomes& all_;
    bool pause_;
  };

  [[nodiscard]] std::unique_ptr<sink> next(bool pause = false) {
    return std::make_unique<sink>(*this, pause);
  }
  /// False when they did not come within 20 s.
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, seconds{20}, [&] { return results_.size() >= count; });
  }
  [[nodiscard]] bool wait_for_text() {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, seconds{20}, [&] { return !text_.empty(); });
  }
  [[nodiscard]] std::vector<expected<chat_response>> results() {
    const std::lock_guard guard(mutex_);
    return results_;
  }
  [[nodiscard]] std::string text() {
    const std::lock_guard guard(mutex_);
    return text_;
  }

 private:
  friend class sink;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<expected<chat_response>> results_;
  std::string text_;
};

}  // namespace graphbit::testing
