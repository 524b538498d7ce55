#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace graphbit {

/// A credential that does not leak by accident: it has no stream operator, and the only text it
/// gives without being asked by name is `redacted()`.
class secret {
 public:
  secret() = default;
  /// Takes the text; whoever gave it should forget it.
  explicit secret(std::string text) : text_(std::move(text)) {}

  /// No credential at all.
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  /// The real text, for the wire only.
  [[nodiscard]] const std::string& expose() const noexcept { return text_; }
  /// "sk-…1234" for long secrets, "…" for short ones.
  [[nodiscard]] std::string redacted() const;

  friend bool operator==(const secret&, const secret&) = default;

 private:
  std::string text_;
};

/// `text` with every occurrence of `key` replaced by its redacted form.
[[nodiscard]] std::string redact(std::string_view text, const secret& key);

}  // namespace graphbit
