#include "workflow_file.hpp"

#include <utility>

#include "whole_file.hpp"

namespace graphbit::app {

expected<workflow> read_workflow(const std::string& path) {
  auto text = read_whole_file(path);
  if (!text) return fail(std::move(text.error()));
  auto parsed = parse_json(*text);
  if (!parsed) {
    parsed.error().message = path + ": " + parsed.error().message;
    return fail(std::move(parsed.error()));
  }
  auto flow = workflow::from_json(*parsed);
  if (!flow) flow.error().message = path + ": " + flow.error().message;
  return flow;
}

expected<json_value> values_of(const std::vector<std::string>& given) {
  json_value out{json_value::object{}};
  for (const std::string& text : given) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(validation_error("set", "write --set NAME=TEXT", text));
    out.set(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

}  // namespace graphbit::app
