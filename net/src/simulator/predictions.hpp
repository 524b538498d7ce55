#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::sim {

/// One job of Replicate: made by one request, asked for by others.
struct prediction {
  std::string id, model, version, input;  ///< input: JSON object text
  std::vector<std::string> output;
  std::string error;
  std::size_t prompt_tokens = 0, completion_tokens = 0;
  time_point made_at{}, ready_at{};
  bool canceled = false;
};

/// The jobs that can still be asked for; the oldest are forgotten past a bound.
class prediction_store {
 public:
  prediction& add(prediction p);
  [[nodiscard]] prediction* find(std::string_view id);

 private:
  static constexpr std::size_t kept_max = 10'000;
  std::unordered_map<std::string, prediction> by_id_;
  std::deque<std::string> order_;
};

}  // namespace graphbit::sim
