#pragma once

#include <memory>
#include <string>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// What a node produced. Text is shared, never copied, on its way to dependants and the result;
/// it is parsed as JSON only when it looks like JSON.
class node_output {
 public:
  node_output() = default;  // null
  /// A model's answer: the JSON value if the whole text is JSON, else the text.
  [[nodiscard]] static node_output from_answer(std::string text);
  /// Exactly this text.
  [[nodiscard]] static node_output from_text(std::string text);
  /// A text from a JSON string; other values as they are.
  [[nodiscard]] static node_output from_json(json_value value);

  /// There is no output.
  [[nodiscard]] bool is_null() const noexcept { return text_ == nullptr; }
  /// As it goes into prompts: strings as they are, everything else as compact JSON; "" for null.
  [[nodiscard]] const std::string& text() const noexcept;
  /// The same, to hold on to; nullptr for null.
  [[nodiscard]] const std::shared_ptr<const std::string>& shared_text() const noexcept {
    return text_;
  }
  /// A JSON string from a text; null where there is none.
  [[nodiscard]] json_value json() const;
  /// JSON text of the value: strings quoted.
  [[nodiscard]] std::string json_text() const;
  /// The value as JSON where it is no plain string, else nullptr.
  [[nodiscard]] const json_value* structured() const noexcept { return json_.get(); }

 private:
  std::shared_ptr<const std::string> text_;
  std::shared_ptr<const json_value> json_;
};

}  // namespace graphbit
