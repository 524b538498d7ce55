#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include <graphbit/net/provider_config.hpp>

/// The keywords that every factory of LlmConfig and EmbeddingConfig takes: one row each, read and
/// written in one place, so that a pickled configuration forgets none.
namespace graphbit::python {

namespace py = pybind11;

/// Applies a dict of keywords; None leaves the default. TypeError for one that does not exist, and
/// for values of a wrong type; ValueError for durations that are not above 0.
void set_config_options(provider_config& config, py::handle options);

/// The keywords that make `config` again, but for its key.
[[nodiscard]] py::dict config_options_of(const provider_config& config);

}  // namespace graphbit::python
