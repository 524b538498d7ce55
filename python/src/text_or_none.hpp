#pragma once

#include <string>

#include <pybind11/pybind11.h>

namespace graphbit::python {

/// A text as a `str`; an empty one as None.
[[nodiscard]] inline pybind11::object text_or_none(const std::string& text) {
  return text.empty() ? pybind11::object(pybind11::none()) : pybind11::object(pybind11::str(text));
}

}  // namespace graphbit::python
