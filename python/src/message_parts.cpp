#include "message_parts.hpp"

#include <string>
#include <utility>

#include <graphbit/net/batch_format.hpp>
#include <graphbit/runtime/limits.hpp>

#include "error_translation.hpp"
#include "json_conversion.hpp"
#include "plain_error.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

chat_role role_from(const std::string& name) {
  if (name == "system") return chat_role::system;
  if (name == "assistant") return chat_role::assistant;
  return chat_role::user;
}

content_part part_from_tuple(const py::tuple& given) {
  using kind = content_part::kind;
  const bool image = given[0].cast<std::string>() == "image";
  content_part part;
  const bool by_url = py::isinstance<py::str>(given[1]);
  part.type = by_url ? (image ? kind::image_url : kind::file_url)
                     : (image ? kind::image_bytes : kind::file_bytes);
  part.data = given[1].cast<std::string>();
  part.media_type = given[2].cast<std::string>();
  part.name = given[3].cast<std::string>();
  return part;
}

content_part part_from(py::handle value, const char* name) {
  if (py::isinstance<py::str>(value))
    return {content_part::kind::text, text_argument(value, name), {}, {}};
  if (py::isinstance<py::dict>(value)) {
    auto part = content_part_from(json_from_python(value));
    if (!part) raise(validation_error(name, part.error().message));
    return std::move(*part);
  }
  if (!py::hasattr(value, "_part"))
    raise_wrong_type(value, name, "is no graphbit.Image, graphbit.File, str or dict");
  return part_from_tuple(value.attr("_part")().cast<py::tuple>());
}

std::vector<content_part> parts_from(py::handle value, const char* name) {
  if (!PySequence_Check(value.ptr()) || PyBytes_Check(value.ptr()))
    raise_wrong_type(value, name, "cannot be converted to 'Sequence'");
  std::vector<content_part> parts;
  std::size_t bytes = 0;
  for (const py::handle item : py::reinterpret_borrow<py::sequence>(value)) {
    parts.push_back(part_from(item, name));
    bytes += parts.back().data.size();
  }
  if (bytes > limits::prompt_bytes_max)
    raise(resource_error("prompt_bytes", "the message has " + std::to_string(bytes) +
                                             " bytes of text, images and files, at most " +
                                             std::to_string(limits::prompt_bytes_max) +
                                             " are sent; give large ones by their URL"));
  return parts;
}

}  // namespace

std::vector<content_part> attachments_argument(py::handle value) {
  if (value.is_none()) return {};
  if (py::isinstance<py::str>(value))
    raise_wrong_type(value, "attachments", "cannot be converted to 'Sequence'");
  return parts_from(value, "attachments");
}

std::vector<chat_message> conversation_argument(py::handle value, const char* name) {
  std::vector<chat_message> conversation;
  for (const auto& [role, content] : pairs_argument(value, name)) {
    chat_message message;
    message.role = role_from(text_argument(role, name));
    if (py::isinstance<py::list>(content) || py::isinstance<py::tuple>(content))
      message.parts = parts_from(content, name);
    else
      message.text = text_argument(content, name);
    conversation.push_back(std::move(message));
  }
  return conversation;
}

}  // namespace graphbit::python
