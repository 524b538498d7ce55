#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace graphbit {

/// Values by name in the order in which the names first came; a name set again keeps its place.
template <class Value>
class named_values {
 public:
  void set(const std::string& name, Value value) {
    const auto [known, added] = places_.try_emplace(name, values_.size());
    if (added)
      values_.emplace_back(name, std::move(value));
    else
      values_[known->second].second = std::move(value);
  }
  void add(const std::string& name, Value value) {
    if (!places_.contains(name)) set(name, std::move(value));
  }
  [[nodiscard]] std::vector<std::pair<std::string, Value>> take() && { return std::move(values_); }

 private:
  std::vector<std::pair<std::string, Value>> values_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace graphbit
