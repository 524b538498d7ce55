#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include <graphbit/net/http_server.hpp>

namespace graphbit::sim {

/// What the simulator was asked and how it answered.
class traffic {
 public:
  void arrived();
  /// How a request was answered: "200", "429", "reset", "hang", ...
  void answered(std::string_view path, std::string_view how);
  /// A request is no longer in flight; `cancelled` when its client went before the end.
  void over(bool cancelled);
  void prompt_asked(std::uint64_t hash);
  void prompt_answered(std::uint64_t hash);
  void idempotency_key(std::string_view key);

  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::string to_json(const http_server_stats& connections) const;
  /// Back to zero; requests still in flight stay counted as such.
  void reset();

 private:
  struct asked {
    std::uint32_t requests = 0, answers = 0;
  };
  std::uint64_t requests_ = 0, cancelled_ = 0;
  std::size_t in_flight_ = 0, in_flight_peak_ = 0;
  std::map<std::string, std::map<std::string, std::uint64_t, std::less<>>, std::less<>> by_path_;
  std::unordered_map<std::uint64_t, asked> prompts_;
  std::unordered_map<std::uint64_t, std::uint32_t> keys_;
};

}  // namespace graphbit::sim
