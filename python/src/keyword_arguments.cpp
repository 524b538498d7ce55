#include "keyword_arguments.hpp"

#include <algorithm>
#include <string>

namespace graphbit::python {

keyword_arguments::keyword_arguments(py::handle options) {
  if (options && PyDict_Check(options.ptr()) && PyDict_GET_SIZE(options.ptr()) > 0)
    given_ = options;
}

py::handle keyword_arguments::take(const char* name) {
  if (!given_) return py::handle(Py_None);
  taken_.push_back(name);
  PyObject* const value = PyDict_GetItemString(given_.ptr(), name);
  return value != nullptr ? value : Py_None;
}

void keyword_arguments::refuse_others() const {
  if (!given_) return;
  for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(given_)) {
    const auto name = py::str(key).cast<std::string>();
    if (std::none_of(taken_.begin(), taken_.end(), [&](const char* t) { return name == t; }))
      throw py::type_error("got an unexpected keyword argument '" + name + "'");
  }
}

}  // namespace graphbit::python
