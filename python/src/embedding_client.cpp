#include "embedding_client.hpp"

#include <algorithm>
#include <cmath>

#include "call_arguments.hpp"
#include "embedding_parts.hpp"
#include "error_translation.hpp"
#include "gil.hpp"
#include "loop_bridge.hpp"
#include "plain_error.hpp"
#include "response_conversion.hpp"
#include "signal_check.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

struct prepared_embedding {
  embedding_request request;
  call_options options;
};

prepared_embedding prepare(py::handle texts, py::handle options) {
  keyword_arguments keywords(options);
  prepared_embedding call;
  call.request.inputs = texts_argument(texts, "texts");
  call.request.extra_body = json_object_argument(keywords.take("extra_body"), "extra_body");
  call.options = take_call_options(keywords);
  keywords.refuse_others();
  return call;
}

py::list list_of(const std::vector<float>& vector) {
  py::list numbers(vector.size());
  for (std::size_t i = 0; i < vector.size(); ++i)
    PyList_SET_ITEM(numbers.ptr(), static_cast<Py_ssize_t>(i),
                    PyFloat_FromDouble(static_cast<double>(vector[i])));
  return numbers;
}

py::object lists_of(const embedding_response& response) {
  py::list vectors(response.vectors.size());
  for (std::size_t i = 0; i < response.vectors.size(); ++i)
    vectors[i] = list_of(response.vectors[i]);
  return vectors;
}

py::object matrix_of(const embedding_response& response) {
  float_matrix matrix;
  matrix.rows = response.vectors.size();
  matrix.columns = matrix.rows == 0 ? 0 : response.vectors.front().size();
  matrix.values.reserve(matrix.rows * matrix.columns);
  for (const auto& vector : response.vectors) {
    if (vector.size() != matrix.columns)
      raise(core_error("the provider answered with vectors of different lengths"));
    matrix.values.insert(matrix.values.end(), vector.begin(), vector.end());
  }
  const py::object owner = py::cast(std::move(matrix));
  return py::memoryview(owner);
}

py::object first_of(const embedding_response& response) {
  if (response.vectors.empty()) raise(core_error("the provider answered without an embedding"));
  return list_of(response.vectors.front());
}

py::object whole(const embedding_response& response) {
  return py::make_tuple(lists_of(response), text_object(response.model),
                        response.usage.prompt_tokens, response.usage.total_tokens,
                        response.cost ? py::object(py::float_(*response.cost)) : py::none());
}

std::vector<double> numbers(py::handle value, const char* name) {
  if (PySequence_Check(value.ptr()) == 0 || PyUnicode_Check(value.ptr()))
    raise_wrong_type(value, name, "cannot be converted to 'Sequence'");
  std::vector<double> result;
  for (const py::handle item : value) result.push_back(real_argument(item, name));
  return result;
}

}  // namespace

embedding_shape shape_from(const std::string& name) {
  if (name == "first") return first_of;
  if (name == "all") return lists_of;
  if (name == "array") return matrix_of;
  return whole;
}

py::object embedding_client::embed(py::handle texts, py::handle options, const std::string& shape) {
  auto call = prepare(texts, options);
  auto opened = handle_->open();
  auto parts = split(std::move(call.request), inputs_per_request(handle_->config().provider));
  auto result = without_gil([&]() -> expected<embedding_response> {
    embedding_response whole;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      auto answer = opened.client.embed(std::move(parts[i]), call.options, signal_raised);
      statistics_->record(answer);
      if (!answer) return answer;
      if (i == 0)
        whole = std::move(*answer);
      else
        append(whole, std::move(*answer));
    }
    opened = {};
    return whole;
  });
  opened = {};
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // the signal handler's
  return shape_from(shape)(unwrap(std::move(result)));
}

py::object embedding_client::embed_async(py::handle texts, py::handle options,
                                         const std::string& shape) {
  auto call = prepare(texts, options);
  auto& loop = loop_bridge::running();
  const opened_client opened = handle_->open();
  auto parts = split(std::move(call.request), inputs_per_request(handle_->config().provider));
  auto [future, where] = loop.begin();
  const std::uint64_t id = where.id;
  std::stop_source stop;
  call.options.stop = stop.get_token();
  const auto gathered = std::make_shared<gathered_embeddings>(
      parts.size(),
      [where = std::move(where), statistics = statistics_,
       convert = shape_from(shape)](expected<embedding_response> result) {
        statistics->record(result);
        where.finish(make_outcome(std::move(result), [convert](auto answer) {
          return convert(unwrap(std::move(answer)));
        }));
      },
      [stop]() mutable { stop.request_stop(); });
  for (std::size_t i = 0; i < parts.size(); ++i)
    opened.client.submit(std::move(parts[i]), call.options, gathered->sink(i));
  loop.on_cancel(id, [stop = std::move(stop)]() mutable { stop.request_stop(); });
  return future;
}

double cosine_similarity(py::handle a, py::handle b) {
  const auto left = numbers(a, "a"), right = numbers(b, "b");
  if (left.size() != right.size())
    raise_in_words(core_error("Embedding dimensions must match"),
                   "Validation error: dimensions - Embedding dimensions must match");
  double dot = 0, left_square = 0, right_square = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    dot += left[i] * right[i];
    left_square += left[i] * left[i];
    right_square += right[i] * right[i];
  }
  if (left_square == 0 || right_square == 0) return 0.0;
  return std::clamp(dot / (std::sqrt(left_square) * std::sqrt(right_square)), -1.0, 1.0);
}

}  // namespace graphbit::python
