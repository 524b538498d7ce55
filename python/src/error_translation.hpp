#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include <graphbit/runtime/error.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// The Python exception for `e`: a private subclass from `graphbit.errors`, with every field as an
/// attribute. Needs the GIL.
[[nodiscard]] py::object exception_from(const error& e);

/// Raises that exception.
[[noreturn]] void raise(const error& e);

/// The value, or the error raised.
template <class T>
T unwrap(expected<T> result) {
  if (!result) raise(result.error());
  return std::move(*result);
}
inline void unwrap(const expected<void>& result) {
  if (!result) raise(result.error());
}

}  // namespace graphbit::python
