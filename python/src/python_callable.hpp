#pragma once

#include <pybind11/pybind11.h>

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

/// Gives back references that were dropped without the GIL. Needs the GIL.
void release_dropped_references();

}  // namespace graphbit::python
