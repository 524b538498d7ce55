#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "call_statistics.hpp"
#include "client_handle.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// What a Python `EmbeddingClient` holds. Threads: every member needs the GIL; `embed` frees it
/// while it waits.
class embedding_client final : runtime_user {
 public:
  explicit embedding_client(provider_config config)
      : handle_(std::make_shared<client_handle>(std::move(config))) {}

  /// Waits; see `shape_from` for what it gives.
  [[nodiscard]] py::object embed(py::handle texts, py::handle options, const std::string& shape);
  /// An awaitable of the same.
  [[nodiscard]] py::object embed_async(py::handle texts, py::handle options,
                                       const std::string& shape);

 private:
  void release_handles() override {}  // the handle is a user of its own
  void leak_handles() noexcept override { statistics_->renew_lock(); }
  std::shared_ptr<client_handle> handle_;
  std::shared_ptr<call_statistics> statistics_ = std::make_shared<call_statistics>();
};

/// Vectors of one length in one block, row by row: what the buffer protocol shows without a copy.
struct float_matrix {
  std::vector<float> values;
  std::size_t rows = 0, columns = 0;
};

/// How a response becomes a Python object: "first" a list of floats, "all" a list of them, "array"
/// a two-dimensional memoryview of floats, "whole" the tuple (all, model, prompt_tokens,
/// total_tokens, cost or None).
using embedding_shape = py::object (*)(const embedding_response&);
[[nodiscard]] embedding_shape shape_from(const std::string& name);

/// Cosine of the angle between two vectors; 0 when one has no length. CoreError
/// "Embedding dimensions must match" for vectors of different lengths.
[[nodiscard]] double cosine_similarity(py::handle a, py::handle b);

}  // namespace graphbit::python
