#pragma once

#include <pybind11/pybind11.h>

#include <vector>

namespace graphbit::python {

namespace py = pybind11;

/// The keywords of one call as a dict, `**options` of the Python method in front.
///
/// Problem: a dozen optional keywords per method, repeated on every layer, drift apart. Each reader
/// takes the ones it knows by name; what nobody took is a TypeError, as for any Python function.
class keyword_arguments {
 public:
  explicit keyword_arguments(py::handle options);

  /// The value given for `name`, a literal; None if it was left out.
  [[nodiscard]] py::handle take(const char* name);
  /// TypeError `got an unexpected keyword argument 'x'` unless all were taken.
  void refuse_others() const;

 private:
  py::handle given_;  // a dict, or null
  std::vector<const char*> taken_;
};

}  // namespace graphbit::python
