#pragma once

#include <pybind11/pybind11.h>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// None, bool, int, float, str, list, tuple and dict (and what numbers and mappings look alike) as
/// JSON. What has no JSON form becomes `str(value)`. ResourceExhausted past the depth limit.
[[nodiscard]] json_value json_from_python(py::handle value);

[[nodiscard]] py::object python_from_json(const json_value& value);

}  // namespace graphbit::python
