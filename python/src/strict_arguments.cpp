#include "strict_arguments.hpp"

#include <cmath>

#include <graphbit/runtime/json_value.hpp>

#include "error_translation.hpp"
#include "json_conversion.hpp"

namespace graphbit::python {

namespace {

enum class value_zero { refused, taken };

milliseconds seconds_argument(py::handle value, const char* name, value_zero zero) {
  constexpr double seconds_max = 1e9;
  const double given = real_argument(value, name);
  const bool is_fine = given > 0.0 || (given == 0.0 && zero == value_zero::taken);
  if (!is_fine || given > seconds_max)
    raise(validation_error(name, std::string(name) + " must be a number of seconds" +
                                     (zero == value_zero::taken ? ", 0 or more" : " above 0")));
  return milliseconds(std::llround(given * 1000.0));
}

/// Applies `read` unless the value is None (or was left out).
template <class Read>
auto unless_none(py::handle value, Read read) -> std::optional<decltype(read())> {
  if (!value || value.is_none()) return std::nullopt;
  return read();
}

[[noreturn]] void raise_overflow(const char* name, const char* problem) {
  PyErr_Format(PyExc_OverflowError, "argument '%s': %s", name, problem);
  throw py::error_already_set();
}

/// The value as a Python int: bools are ints, as everywhere in Python; floats are not.
py::object integer(py::handle value, const char* name) {
  if (!PyIndex_Check(value.ptr()))
    raise_wrong_type(value, name, "cannot be interpreted as an integer");
  auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) throw py::error_already_set();
  return number;
}

bool is_list_like(py::handle value) {
  return PySequence_Check(value.ptr()) != 0 && !PyUnicode_Check(value.ptr()) &&
         !PyBytes_Check(value.ptr()) && !PyByteArray_Check(value.ptr());
}

py::sequence list_like(py::handle value, const char* name) {
  if (!is_list_like(value)) raise_wrong_type(value, name, "cannot be converted to 'Sequence'");
  return py::reinterpret_borrow<py::sequence>(value);
}

bool is_numpy_bool(py::handle value) {
  const std::string_view type = Py_TYPE(value.ptr())->tp_name;
  return type == "numpy.bool_" || type == "numpy.bool";
}

}  // namespace

void raise_wrong_type(py::handle value, const char* name, const char* problem) {
  PyErr_Format(PyExc_TypeError, "argument '%s': '%s' object %s", name,
               Py_TYPE(value.ptr())->tp_name, problem);
  throw py::error_already_set();
}

std::string text_argument(py::handle value, const char* name) {
  if (!PyUnicode_Check(value.ptr()))
    raise_wrong_type(value, name, "cannot be converted to 'PyString'");
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (bytes == nullptr) throw py::error_already_set();  // a lone surrogate
  return {bytes, static_cast<std::size_t>(size)};
}

std::optional<std::string> optional_text_argument(py::handle value, const char* name) {
  return unless_none(value, [&] { return text_argument(value, name); });
}

std::string path_argument(py::handle value, const char* name) {
  if (!PyUnicode_Check(value.ptr()) && !py::hasattr(value, "__fspath__"))
    raise_wrong_type(value, name, "cannot be converted to 'str' or 'os.PathLike'");
  const auto path = py::reinterpret_steal<py::object>(PyOS_FSPath(value.ptr()));
  if (!path) throw py::error_already_set();
  return text_argument(path, name);
}

std::vector<std::string> texts_argument(py::handle value, const char* name) {
  std::vector<std::string> texts;
  const py::sequence items = list_like(value, name);
  texts.reserve(items.size());
  for (const py::handle item : items) texts.push_back(text_argument(item, name));
  return texts;
}

std::vector<std::pair<py::object, py::object>> pairs_argument(py::handle value, const char* name) {
  std::vector<std::pair<py::object, py::object>> pairs;
  for (const py::handle item : list_like(value, name)) {
    if (!PyTuple_Check(item.ptr()))
      raise_wrong_type(item, name, "cannot be converted to 'PyTuple'");
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    if (pair.size() != 2)
      throw py::value_error("expected tuple of length 2, but got tuple of length " +
                            std::to_string(pair.size()));
    pairs.emplace_back(pair[0], pair[1]);
  }
  return pairs;
}

bool bool_argument(py::handle value, const char* name) {
  if (value.ptr() == Py_True) return true;
  if (value.ptr() == Py_False) return false;
  if (!is_numpy_bool(value)) raise_wrong_type(value, name, "cannot be converted to 'PyBool'");
  return PyObject_IsTrue(value.ptr()) == 1;
}

std::optional<bool> optional_bool_argument(py::handle value, const char* name) {
  return unless_none(value, [&] { return bool_argument(value, name); });
}

std::int64_t signed_argument(py::handle value, const char* name) {
  const py::object number = integer(value, name);
  int overflow = 0;
  const long long result = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) raise_overflow(name, "int too large to convert to a 64-bit integer");
  return result;
}

std::optional<std::int64_t> optional_signed_argument(py::handle value, const char* name) {
  return unless_none(value, [&] { return signed_argument(value, name); });
}

std::uint64_t unsigned_argument(py::handle value, const char* name, std::uint64_t max) {
  const py::object number = integer(value, name);
  const unsigned long long result = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    raise_overflow(name, "can't convert a negative or too large int to unsigned");
  }
  if (result > max) raise_overflow(name, "out of range integral type conversion attempted");
  return result;
}

std::optional<std::uint64_t> optional_unsigned_argument(py::handle value, const char* name,
                                                        std::uint64_t max) {
  return unless_none(value, [&] { return unsigned_argument(value, name, max); });
}

std::optional<std::uint32_t> optional_u32_argument(py::handle value, const char* name) {
  return unless_none(value, [&] {
    return static_cast<std::uint32_t>(unsigned_argument(value, name, UINT32_MAX));
  });
}

double real_argument(py::handle value, const char* name) {
  const double result = PyFloat_AsDouble(value.ptr());
  if (result == -1.0 && PyErr_Occurred() != nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "argument '%s': must be real number, not %s", name,
                 Py_TYPE(value.ptr())->tp_name);
    throw py::error_already_set();
  }
  return result;
}

std::optional<double> optional_real_argument(py::handle value, const char* name) {
  return unless_none(value, [&] { return real_argument(value, name); });
}

std::optional<milliseconds> optional_seconds_argument(py::handle value, const char* name) {
  return unless_none(value, [&] {
    const auto given = seconds_argument(value, name, value_zero::refused);
    return std::max(given, milliseconds{1});
  });
}

std::optional<milliseconds> optional_wait_argument(py::handle value, const char* name) {
  return unless_none(value, [&] { return seconds_argument(value, name, value_zero::taken); });
}

std::optional<double> optional_amount_argument(py::handle value, const char* name) {
  const auto given = optional_real_argument(value, name);
  if (given && !(*given >= 0.0))
    raise(validation_error(name, std::string(name) + " must be a number of at least 0"));
  return given;
}

std::string json_object_argument(py::handle value, const char* name) {
  if (!value || value.is_none()) return {};
  if (!PyDict_Check(value.ptr()) && !PyUnicode_Check(value.ptr()))
    raise_wrong_type(value, name, "cannot be converted to 'PyDict'");
  const expected<json_value> document =
      PyDict_Check(value.ptr()) ? json_from_python(value) : parse_json(text_argument(value, name));
  if (!document || !document->is_object())
    raise(validation_error(name, std::string(name) + " must be a JSON object"));
  return to_json(*document);
}

}  // namespace graphbit::python
