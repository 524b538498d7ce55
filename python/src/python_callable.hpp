#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include <graphbit/actors/callable.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// `function` as a callable of workflows: called on the blocking pool with one argument, the
/// arguments as a dict; what it returns (or raises) becomes JSON (or an error that names its
/// class). Copies may be dropped on any thread: the reference itself is given back on a thread that
/// has the GIL. `timeout` 0: none.
[[nodiscard]] callable make_callable(std::string name, py::object function,
                                     milliseconds timeout = milliseconds(0));

/// A reference that may be dropped on any thread, with or without the GIL. Needs the GIL.
[[nodiscard]] std::shared_ptr<PyObject> shared_reference(py::object object);

/// Calls `function` with one argument on a thread that is not Python's, with the GIL held; nullptr
/// with the exception set when it raised. No C++ object on the stack below may need the GIL.
[[nodiscard]] PyObject* call_from_foreign_thread(PyObject* function, PyObject* argument);

/// Gives back references that were dropped without the GIL. Needs the GIL.
void release_dropped_references();

/// In a forked child: a thread of the parent may have held the list's lock.
void forget_parents_references() noexcept;

}  // namespace graphbit::python
