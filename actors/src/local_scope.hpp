#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "src/prompt.hpp"

namespace graphbit {

/// A scope with a few names of its own in front of another: `{item}`, `{input}`.
class local_scope final : public reference_scope {
 public:
  explicit local_scope(const reference_scope& outer) : outer_(outer) {}
  void set(std::string_view name, node_output value) {
    for (auto& [known, old] : locals_)
      if (known == name) {
        old = std::move(value);
        return;
      }
    locals_.emplace_back(name, std::move(value));
  }
  [[nodiscard]] const node_output* node(std::string_view id_or_name) const override {
    return outer_.node(id_or_name);
  }
  [[nodiscard]] const node_output* variable(std::string_view name) const override {
    for (const auto& [known, value] : locals_)
      if (known == name) return &value;
    return outer_.variable(name);
  }

 private:
  const reference_scope& outer_;
  std::vector<std::pair<std::string_view, node_output>> locals_;
};

}  // namespace graphbit
