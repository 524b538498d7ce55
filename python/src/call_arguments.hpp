#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include <graphbit/actors/call.hpp>
#include <graphbit/runtime/chat.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// The arguments that calls to a model share, as Python gave them. A null handle: not taken by
/// this call.
struct call_arguments {
  py::handle max_tokens, temperature, enable_prompt_caching;
  py::handle timeout_s, extra_body, priority;
};

struct prepared_call {
  chat_request request;
  call_options options;
};

/// Which words the contract uses for a bad max_tokens: `complete_full` has its own.
enum class token_limit_rule { u32, full };

/// Reads and checks the arguments of a call (section 3 of the API): types first, then the prompt,
/// then ranges. ValueError, TypeError, OverflowError.
[[nodiscard]] prepared_call prepare_call(py::handle prompt, const call_arguments& given,
                                         token_limit_rule rule = token_limit_rule::u32);
/// The same without a prompt: for calls that bring their own messages.
[[nodiscard]] prepared_call prepare_call(const call_arguments& given,
                                         token_limit_rule rule = token_limit_rule::u32);
[[nodiscard]] call_options call_options_from(py::handle timeout_s, py::handle priority);

/// `timeout_s`, or else the default; nothing: no deadline.
[[nodiscard]] std::optional<milliseconds> timeout_or_default(py::handle timeout_s);

/// The `timeout_s` of calls that give none: `init(default_timeout_s=)`.
void set_default_timeout(std::optional<milliseconds> timeout);

[[nodiscard]] chat_message user_message(std::string text);

}  // namespace graphbit::python
