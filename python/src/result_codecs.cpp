#include "result_codecs.hpp"

#include <algorithm>
#include <vector>

#include <graphbit/runtime/limits.hpp>

#include "json_conversion.hpp"

namespace graphbit::python {

namespace {

constexpr const char* name_key = "$codec";
constexpr const char* value_key = "value";

struct codec {
  py::object type;
  std::string name;
  py::object encode, decode;
};

/// Never destroyed: the interpreter may end before static objects do.
std::vector<codec>& codecs() {
  static auto* all = new std::vector<codec>;
  return *all;
}

const codec* codec_of(py::handle value) {
  for (const codec& each : codecs())
    if (py::isinstance(value, each.type)) return &each;
  return nullptr;
}

[[noreturn]] void refuse(py::handle value) {
  const auto type = py::str(py::type::handle_of(value).attr("__name__")).cast<std::string>();
  throw py::type_error("a result of type '" + type +
                       "' cannot be recorded: it is no JSON and has no codec. Return JSON, or call "
                       "graphbit.durable.register_codec(" +
                       type + ", ...)");
}

/// Only what comes back from a store as it was.
json_value strict(py::handle value, std::size_t depth_left) {
  PyObject* const object = value.ptr();
  if (depth_left == 0) refuse(value);
  if (const codec* known = codec_of(value)) {
    json_value out;
    out.set(name_key, known->name);
    out.set(value_key, strict(known->encode(value), depth_left - 1));
    return out;
  }
  if (object == Py_None || PyBool_Check(object) || PyLong_Check(object) || PyFloat_Check(object) ||
      PyUnicode_Check(object))
    return json_from_python(value);
  if (PyDict_Check(object)) {
    json_value::object members;
    for (const auto& [key, member] : py::reinterpret_borrow<py::dict>(value)) {
      if (!PyUnicode_Check(key.ptr())) refuse(value);
      members.emplace_back(key.cast<std::string>(), strict(member, depth_left - 1));
    }
    return json_value(std::move(members));
  }
  if (!PyList_Check(object) && !PyTuple_Check(object)) refuse(value);
  json_value::array items;
  for (const py::handle item : value) items.push_back(strict(item, depth_left - 1));
  return json_value(std::move(items));
}

py::object decoded(py::object value) {
  if (PyList_Check(value.ptr())) {
    auto list = py::reinterpret_borrow<py::list>(value);
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = decoded(list[i]);
    return value;
  }
  if (!PyDict_Check(value.ptr())) return value;
  auto dict = py::reinterpret_borrow<py::dict>(value);
  if (dict.size() == 2 && dict.contains(name_key) && dict.contains(value_key)) {
    const auto name = py::str(dict[name_key]).cast<std::string>();
    for (const codec& each : codecs())
      if (each.name == name) return each.decode(decoded(dict[value_key]));
  }
  for (const auto& key : py::list(dict.attr("keys")())) dict[key] = decoded(dict[key]);
  return value;
}

}  // namespace

void register_codec(py::object type, const std::string& name, py::object encode,
                    py::object decode) {
  auto& all = codecs();
  std::erase_if(all, [&](const codec& each) { return each.type.is(type) || each.name == name; });
  all.push_back({std::move(type), name, std::move(encode), std::move(decode)});
}

json_value result_from_python(py::handle result, bool recorded) {
  if (!recorded && codecs().empty()) return json_from_python(result);
  if (!recorded && codec_of(result) == nullptr) return json_from_python(result);
  return strict(result, limits::json_depth_max);
}

py::object arguments_to_python(const json_value& arguments) {
  py::object given = python_from_json(arguments);
  return codecs().empty() ? given : decoded(std::move(given));
}

}  // namespace graphbit::python
