#pragma once

#include <optional>
#include <stdexcept>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// What an answer holds. A test whose answer holds an error, or nothing, ends there and says so,
/// where a bare `*` would be undefined behaviour.
template <class T>
[[nodiscard]] T value_of(expected<T> answer) {
  if (!answer) throw std::runtime_error("no value but an error: " + describe(answer.error()));
  return *std::move(answer);
}

template <class T>
[[nodiscard]] T value_of(std::optional<T> answer) {
  if (!answer) throw std::runtime_error("no value but nothing");
  return *std::move(answer);
}

}  // namespace graphbit
