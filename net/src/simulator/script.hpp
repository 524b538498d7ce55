#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/runtime/error.hpp>

#include "conversation.hpp"

namespace graphbit::sim {

/// One scripted reply and when it is given.
struct script_rule {
  // When: every condition that is set must hold.
  std::string contains;  ///< in the text of the last user message
  std::optional<std::regex> matches;
  std::string model;
  std::string last_role;        ///< "user", "tool"
  std::uint64_t times = ~0ULL;  ///< how often it may still be used

  // What: exactly one of them.
  std::optional<std::string> text;  ///< with `matches`, $1 stands for the first group
  std::optional<std::string> json;
  std::vector<std::pair<std::string, std::string>> tool_calls;  ///< name, arguments
  int status = 0;                                               ///< a refusal
  std::optional<std::string> raw;                               ///< a body as it is

  std::string error_message, error_type, error_code, error_param;
  std::string headers;  ///< further lines
  std::string content_type = "application/json";
  std::string finish;
  double latency_ms = -1;  ///< below 0: the behaviour's
  // Usage to report; 0: counted from the texts.
  std::size_t prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0, reasoning_tokens = 0;
};

/// Scripted replies: the first rule whose conditions hold answers.
class script {
 public:
  /// Error: Configuration naming the rule at fault.
  [[nodiscard]] static expected<script> parse(std::string_view text);

  /// The rule for a question, one use of it taken; nullptr when none fits.
  [[nodiscard]] const script_rule* find(const question& asked);
  /// The rule's text for this question.
  [[nodiscard]] static std::string text_for(const script_rule& rule, const question& asked);

 private:
  std::vector<script_rule> rules_;
};

}  // namespace graphbit::sim
