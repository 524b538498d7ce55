#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// Has results of `type` written as {"$codec": name, "value": encode(result)}, and such values
/// given to functions as `decode(value)`. Needs the GIL, as all here.
void register_codec(py::object type, const std::string& name, py::object encode, py::object decode);

/// What a function gave, as JSON. Where it is `recorded` it must be JSON or have a codec: TypeError
/// otherwise. Elsewhere anything else becomes its text.
[[nodiscard]] json_value result_from_python(py::handle result, bool recorded);

/// As `python_from_json`, with the values of codecs decoded.
[[nodiscard]] py::object arguments_to_python(const json_value& arguments);

}  // namespace graphbit::python
