#include "response_conversion.hpp"

#include "error_translation.hpp"
#include "import_once.hpp"

namespace graphbit::python {

namespace {

py::object count_or_none(const std::optional<std::uint32_t>& count) {
  return count ? py::object(py::int_(*count)) : py::object(py::none());
}

}  // namespace

py::object text_object(const std::string& text) {
  auto object = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
  if (!object) throw py::error_already_set();
  return object;
}

py::object response_object(const chat_response& response) {
  static import_once make("graphbit.response", "_from_native");
  py::list tool_calls;
  for (const tool_call& call : response.tool_calls)
    tool_calls.append(
        py::make_tuple(text_object(call.id), text_object(call.name), text_object(call.arguments)));
  const token_usage& usage = response.usage;
  return make.get()(text_object(response.content), text_object(response.model),
                    response.id.empty() ? py::object(py::none()) : text_object(response.id),
                    tool_calls,
                    py::make_tuple(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens,
                                   count_or_none(usage.cache_read_tokens),
                                   count_or_none(usage.cache_creation_tokens)),
                    text_object(std::string(to_string(response.finish))),
                    py::make_tuple(response.provider, response.request_id, response.attempts,
                                   static_cast<double>(response.latency_us) / 1000.0,
                                   response.cost ? py::object(py::float_(*response.cost))
                                                 : py::object(py::none()),
                                   response.cached));
}

}  // namespace graphbit::python
