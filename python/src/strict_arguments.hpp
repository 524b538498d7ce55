#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <graphbit/runtime/clock.hpp>

/// Reads Python arguments as strictly as the API contract asks for.
///
/// pybind11's own casters are laxer: bytes pass as text, 1 as a bool, -1 as a TypeError. Each
/// function here raises TypeError that names the argument for a wrong type, and OverflowError for
/// a number that does not fit, before any range is checked. The `optional_` forms take None.
namespace graphbit::python {

namespace py = pybind11;

[[nodiscard]] std::string text_argument(py::handle value, const char* name);
[[nodiscard]] std::optional<std::string> optional_text_argument(py::handle value, const char* name);
/// A str or an os.PathLike.
[[nodiscard]] std::string path_argument(py::handle value, const char* name);
/// Any sequence but a str, of str.
[[nodiscard]] std::vector<std::string> texts_argument(py::handle value, const char* name);
/// A sequence of two-tuples.
[[nodiscard]] std::vector<std::pair<py::object, py::object>> pairs_argument(py::handle value,
                                                                            const char* name);

[[nodiscard]] bool bool_argument(py::handle value, const char* name);
[[nodiscard]] std::optional<bool> optional_bool_argument(py::handle value, const char* name);

[[nodiscard]] std::int64_t signed_argument(py::handle value, const char* name);
[[nodiscard]] std::optional<std::int64_t> optional_signed_argument(py::handle value,
                                                                   const char* name);
[[nodiscard]] std::uint64_t unsigned_argument(py::handle value, const char* name,
                                              std::uint64_t max = UINT64_MAX);
[[nodiscard]] std::optional<std::uint64_t> optional_unsigned_argument(
    py::handle value, const char* name, std::uint64_t max = UINT64_MAX);
[[nodiscard]] std::optional<std::uint32_t> optional_u32_argument(py::handle value,
                                                                 const char* name);

[[nodiscard]] double real_argument(py::handle value, const char* name);
[[nodiscard]] std::optional<double> optional_real_argument(py::handle value, const char* name);
/// Seconds as a number above 0; ValueError for anything else.
[[nodiscard]] std::optional<milliseconds> optional_seconds_argument(py::handle value,
                                                                    const char* name);
/// Seconds as a number of 0 or more; ValueError for anything else.
[[nodiscard]] std::optional<milliseconds> optional_wait_argument(py::handle value,
                                                                 const char* name);
/// A number of 0 or more; ValueError for anything else.
[[nodiscard]] std::optional<double> optional_amount_argument(py::handle value, const char* name);
/// A dict (or JSON text) that becomes JSON object text; "" for None.
[[nodiscard]] std::string json_object_argument(py::handle value, const char* name);

/// TypeError `argument 'name': 'int' object <problem>`.
[[noreturn]] void raise_wrong_type(py::handle value, const char* name, const char* problem);

}  // namespace graphbit::python
