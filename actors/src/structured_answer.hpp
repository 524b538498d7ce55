#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/actors/node.hpp>
#include <graphbit/actors/node_output.hpp>
#include <graphbit/runtime/chat.hpp>

namespace graphbit {

/// Gets an answer that fits a JSON schema out of a model: a state machine that says what to ask.
///
/// The schema goes to the provider in its own form where it has one, else into the prompt. An
/// answer that does not fit is shown to the model with what is wrong (by its path), and it is asked
/// again, three times in all; so is, once and without the provider's own form, a model that refuses
/// that form. Without a schema every answer fits.
class structured_answer {
 public:
  /// `provider`: who is asked. `settings` must outlive this.
  structured_answer(const model_settings& settings, const std::string& provider);

  /// Prepares the first request, and remembers it.
  void demand(chat_request& request);
  /// A later request of the same conversation (after tools), to be remembered instead.
  void sent(const chat_request& request);

  /// `answer` as an output, if it fits. Otherwise the request that asks again, or what went wrong:
  /// Validation{field=path, value}.
  struct verdict {
    std::optional<node_output> output;
    std::optional<chat_request> next;
    std::optional<error> failure;
  };
  [[nodiscard]] verdict judge(node_output answer);
  /// The request to send instead of one that failed so, or nothing.
  [[nodiscard]] std::optional<chat_request> instead_of(const error& refused);

 private:
  [[nodiscard]] chat_request ask(std::string user_text, const std::string& said);

  const model_settings& settings_;
  json_value schema_;  // null: none
  bool in_providers_form_ = false;
  bool answered_ = false;
  std::uint32_t asked_ = 0;
  chat_request request_;  // the last one sent; kept only where there is a schema
};

}  // namespace graphbit
