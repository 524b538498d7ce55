#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// What a call was answered with: one and the same value for all who ask.
using cached_answer = std::shared_ptr<const std::variant<chat_response, embedding_response>>;

/// An answer in the form that is shared.
[[nodiscard]] inline cached_answer cacheable(chat_response answer) {
  return std::make_shared<const cached_answer::element_type>(std::move(answer));
}
/// The same for embeddings.
[[nodiscard]] inline cached_answer cacheable(embedding_response answer) {
  return std::make_shared<const cached_answer::element_type>(std::move(answer));
}

/// Where the response cache keeps answers for longer than a process lives (`keep_in`); see
/// `sqlite_answer_store` of cluster/.
///
/// What is not there any more is asked for again, so a store may forget as it likes, and a failure
/// of it fails no call. Threads: any. Members but `open` may wait for a disk and are called on a
/// thread of the cache's own.
class answer_store {
 public:
  /// An answer, and when it came.
  struct kept_answer {
    cached_answer answer;                           ///< never null
    std::chrono::system_clock::time_point kept_at;  ///< by the calendar
  };
  /// An answer with the question that it belongs to.
  struct new_answer {
    std::string key;   ///< what was asked; as long as a prompt
    kept_answer kept;  ///< with its time
  };

  answer_store() = default;
  virtual ~answer_store() = default;
  answer_store(const answer_store&) = delete;
  answer_store& operator=(const answer_store&) = delete;

  /// Whether answers can be kept here. Error: why not, and what to do about it.
  [[nodiscard]] virtual expected<void> open() = 0;
  /// The answer to exactly this, however old.
  [[nodiscard]] virtual expected<std::optional<kept_answer>> find(std::string_view key) = 0;
  /// Keeps all or none.
  [[nodiscard]] virtual expected<void> keep(const std::vector<new_answer>& group) = 0;
};

}  // namespace graphbit
