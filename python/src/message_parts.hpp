#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include <graphbit/runtime/chat.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// The parts of `attachments=`: a sequence of graphbit.Image, graphbit.File and parts in OpenAI's
/// form (dicts). Empty for None. TypeError, ValueError, MemoryError past the bound of a prompt.
[[nodiscard]] std::vector<content_part> attachments_argument(py::handle value);

/// A sequence of two-tuples of a role and a content: a str, or a list of str and of what
/// attachments may be.
[[nodiscard]] std::vector<chat_message> conversation_argument(py::handle value, const char* name);

}  // namespace graphbit::python
