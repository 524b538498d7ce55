#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

/// Each subject of the native module registers itself. The Python layer on top carries signatures,
/// defaults and docstrings; what is bound here converts and forwards.
namespace graphbit::python {

namespace py = pybind11;

void bind_cluster(py::module_& module);
void bind_config(py::module_& module);
void bind_embeddings(py::module_& module);
void bind_llm(py::module_& module);
void bind_observability(py::module_& module);
void bind_prices(py::module_& module);
void bind_runtime(py::module_& module);
void bind_store(py::module_& module);
void bind_testing(py::module_& module);
void bind_workflow(py::module_& module);

}  // namespace graphbit::python
