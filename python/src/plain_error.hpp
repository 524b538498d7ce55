#pragma once

#include "error_translation.hpp"

/// Nodes, workflows and embeddings raise their errors in the contract's own words, without the
/// field or the kind in front that clients put there.
namespace graphbit::python {

/// Raises the exception of `e` with `message` as its text.
[[noreturn]] inline void raise_in_words(const error& e, const std::string& message) {
  const py::object exception = exception_from(e);
  exception.attr("args") = py::make_tuple(message);
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
  throw py::error_already_set();
}

template <class T>
T unwrap_plain(expected<T> result) {
  if (!result) raise_in_words(result.error(), result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace graphbit::python
