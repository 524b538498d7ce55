#pragma once

#include <pybind11/pybind11.h>

#include <graphbit/runtime/trace_context.hpp>

namespace graphbit::python {

namespace py = pybind11;

/// The span that Python code is in, asked of `function()`, which gives a traceparent text or None.
/// None as the function: nobody is asked. Needs the GIL.
void set_trace_source(py::object function);
/// The present span; not valid where there is none.
[[nodiscard]] trace_context present_trace();

}  // namespace graphbit::python
