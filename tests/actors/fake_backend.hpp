#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <graphbit/actors/chat_backend.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit::testing {

/// A model that answers from a function, on the reactor that asked; remembers what it was asked.
class fake_backend final : public chat_backend {
 public:
  using answer_function = std::function<expected<chat_response>(const chat_request& request)>;

  explicit fake_backend(answer_function answer) : answer_(std::move(answer)) {}

  void submit(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
              bool stream, reactor& home) override {
    auto shared = std::shared_ptr<chat_sink>(std::move(sink));
    {
      const std::lock_guard guard(mutex_);
      requests_.push_back(request);
      if (holding_) {
        held_.push_back(std::make_shared<held_call>(std::move(options.stop), shared, home));
        return;
      }
    }
    auto result = answer_(request);
    home.post([shared, stream, result = std::move(result)]() mutable {
      if (stream && result) {
        std::vector<std::string> deltas{result->content};
        shared->on_text(deltas);
      }
      shared->on_done(std::move(result));
    });
  }
  [[nodiscard]] const provider_config& config() const override { return config_; }

  /// From now on nothing is answered until a call's token is stopped.
  void hold() {
    const std::lock_guard guard(mutex_);
    holding_ = true;
  }
  /// Lets go of the calls that were held: they hold who asked, who holds this.
  void forget_held() {
    const std::lock_guard guard(mutex_);
    held_.clear();
  }
  [[nodiscard]] std::vector<chat_request> requests() const {
    const std::lock_guard guard(mutex_);
    return requests_;
  }
  provider_config config_;

 private:
  struct held_call {
    held_call(std::stop_token token, const std::shared_ptr<chat_sink>& sink, reactor& home)
        : on_stop(std::move(token), [sink, &home] {
            home.post([sink] { sink->on_done(fail(cancelled_error("complete"))); });
          }) {}
    std::stop_callback<std::function<void()>> on_stop;
  };

  answer_function answer_;
  mutable std::mutex mutex_;
  bool holding_ = false;
  std::vector<chat_request> requests_;
  std::vector<std::shared_ptr<held_call>> held_;
};

[[nodiscard]] inline chat_response says(std::string text) {
  chat_response r;
  r.content = std::move(text);
  r.model = "fake";
  r.provider = "fake";
  r.usage.total_tokens = 3;
  return r;
}

/// The text of the last user message.
[[nodiscard]] inline std::string user_text(const chat_request& request) {
  for (auto m = request.messages.rbegin(); m != request.messages.rend(); ++m)
    if (m->role == chat_role::user) return m->text;
  return {};
}

}  // namespace graphbit::testing
