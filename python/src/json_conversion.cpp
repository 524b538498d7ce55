#include "json_conversion.hpp"

#include <graphbit/runtime/limits.hpp>

#include "error_translation.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

json_value convert(py::handle value, std::size_t depth_left);

json_value convert_integer(py::handle value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  if (overflow == 0) return json_value(static_cast<std::int64_t>(number));
  if (overflow > 0) {
    const unsigned long long big = PyLong_AsUnsignedLongLong(value.ptr());
    if (PyErr_Occurred() == nullptr) return json_value(static_cast<std::uint64_t>(big));
    PyErr_Clear();
  }
  return json_value(std::string(py::str(value)));  // beyond 64 bits: exact as text
}

json_value convert_mapping(py::handle items, std::size_t depth_left) {
  json_value::object members;
  for (const py::handle item : items) {
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    members.emplace_back(std::string(py::str(pair[0])), convert(pair[1], depth_left));
  }
  return json_value(std::move(members));
}

json_value convert(py::handle value, std::size_t depth_left) {
  if (depth_left == 0)
    raise(resource_error("json_depth", "a value nested deeper than " +
                                           std::to_string(limits::json_depth_max) +
                                           " levels cannot be passed on; flatten it"));
  PyObject* const object = value.ptr();
  if (object == Py_None) return {};
  if (PyBool_Check(object)) return json_value(object == Py_True);
  if (PyLong_Check(object)) return convert_integer(value);
  if (PyFloat_Check(object)) return json_value(PyFloat_AS_DOUBLE(object));
  if (PyUnicode_Check(object)) return json_value(text_argument(value, "value"));
  if (PyDict_Check(object)) return convert_mapping(value.attr("items")(), depth_left - 1);
  if (PyList_Check(object) || PyTuple_Check(object)) {
    json_value::array items;
    for (const py::handle item : value) items.push_back(convert(item, depth_left - 1));
    return json_value(std::move(items));
  }
  if (PyIndex_Check(object))
    return convert_integer(py::int_(py::reinterpret_borrow<py::object>(value)));
  return json_value(std::string(py::str(value)));
}

}  // namespace

json_value json_from_python(py::handle value) { return convert(value, limits::json_depth_max); }

py::object python_from_json(const json_value& value) {
  if (value.is_null()) return py::none();
  if (value.is_bool()) return py::bool_(value.as_bool());
  if (value.is_int()) return py::int_(value.as_int());
  if (value.is_uint()) return py::int_(value.as_uint());
  if (value.is_double()) return py::float_(value.as_double());
  if (value.is_string()) return py::str(value.as_string());
  if (value.is_array()) {
    py::list items(value.as_array().size());
    std::size_t index = 0;
    for (const json_value& item : value.as_array()) items[index++] = python_from_json(item);
    return items;
  }
  py::dict members;
  for (const auto& [key, member] : value.as_object())
    members[py::str(key)] = python_from_json(member);
  return members;
}

}  // namespace graphbit::python
