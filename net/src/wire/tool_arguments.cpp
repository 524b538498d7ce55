#include "src/wire/tool_arguments.hpp"

#include <graphbit/runtime/json_value.hpp>

#include "src/json_reader.hpp"

namespace graphbit {

std::string tool_arguments(std::string text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
  if (is_json(text, json_reader::type::object)) return text;
  std::string wrapped = "{\"raw_arguments\":";
  append_json_string(wrapped, text);
  return wrapped += '}';
}

}  // namespace graphbit
