#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/chat.hpp>

#include "keyword_arguments.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// The arguments that calls to a model share, as Python gave them. A null handle: not taken by
/// this call.
struct call_arguments {
  py::handle max_tokens, temperature, enable_prompt_caching;
  py::handle options;  ///< dict of keywords; see `take_call_options`
};

struct prepared_call {
  chat_request request;
  call_options options;
  std::vector<content_part> attachments;  ///< for `user_message`, beside the prompt
};

/// Which words the contract uses for a bad max_tokens: `complete_full` has its own.
enum class token_limit_rule { u32, full };

/// Reads and checks the arguments of a call (section 3 of the API): types first, then the prompt,
/// then ranges. ValueError, TypeError, OverflowError. `options` are read by `take_call_options`.
[[nodiscard]] prepared_call prepare_call(py::handle prompt, const call_arguments& given,
                                         token_limit_rule rule = token_limit_rule::u32);
/// The same without a prompt: for calls that bring their own messages.
[[nodiscard]] prepared_call prepare_call(const call_arguments& given,
                                         token_limit_rule rule = token_limit_rule::u32);
/// The same for a call that knows more keywords than these; it has taken its own from `keywords`.
[[nodiscard]] prepared_call prepare_call(const std::string* prompt, const call_arguments& given,
                                         keyword_arguments& keywords,
                                         token_limit_rule rule = token_limit_rule::u32);

/// Takes timeout_s, priority, session and fresh.
[[nodiscard]] call_options take_call_options(keyword_arguments& keywords);
/// Takes max_cost and max_total_tokens.
[[nodiscard]] budget_limits take_budget(keyword_arguments& keywords);

/// `timeout_s`, or else the default; nothing: no deadline.
[[nodiscard]] std::optional<milliseconds> timeout_or_default(py::handle timeout_s);

/// The `timeout_s` of calls that give none: `init(default_timeout_s=)`.
void set_default_timeout(std::optional<milliseconds> timeout);

[[nodiscard]] chat_message user_message(std::string text,
                                        std::vector<content_part> attachments = {});
/// ValueError `why` where a call that takes no attachments was given some.
void refuse_attachments(const prepared_call& call, const char* why);

}  // namespace graphbit::python
