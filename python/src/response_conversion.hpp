#pragma once

#include <pybind11/pybind11.h>

#include <graphbit/runtime/chat.hpp>

namespace graphbit::python {

/// UTF-8 from the wire as str; what is no UTF-8 becomes U+FFFD.
[[nodiscard]] pybind11::object text_object(const std::string& text);

/// The answer as a `graphbit.LlmResponse`. Needs the GIL.
[[nodiscard]] pybind11::object response_object(const chat_response& response);

}  // namespace graphbit::python
