#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "actors/fake_backend.hpp"

namespace graphbit::testing {

/// A model that echoes, and counts how often each prompt was asked.
class counting_model {
 public:
  expected<chat_response> answer(const chat_request& r) {
    const std::string text = user_text(r);
    const std::lock_guard guard(mutex_);
    ++counts_[text];
    if (const auto failure = failures_.find(text); failure != failures_.end())
      return fail(failure->second);
    chat_response response = says("<" + text + ">");
    response.cost = 0.25;
    return response;
  }
  void fail_with(const std::string& text, error e) {
    const std::lock_guard guard(mutex_);
    failures_.insert_or_assign(text, std::move(e));
  }
  void heal() {
    const std::lock_guard guard(mutex_);
    failures_.clear();
  }
  int asked(const std::string& text) {
    const std::lock_guard guard(mutex_);
    return counts_[text];
  }
  int asked_in_all() {
    const std::lock_guard guard(mutex_);
    int sum = 0;
    for (const auto& [text, count] : counts_) sum += count;
    return sum;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> counts_;
  std::map<std::string, error> failures_;
};

}  // namespace graphbit::testing
