#include "src/answer_json.hpp"

#include <utility>

namespace graphbit {

json_value parameters_json(const tool_call& call) {
  return parse_json(call.arguments).value_or(json_value(call.arguments));
}

json_value tool_calls_json(const std::vector<tool_call>& calls) {
  json_value::array out;
  for (const tool_call& call : calls) {
    json_value one;
    one.set("id", call.id);
    one.set("name", call.name);
    one.set("parameters", parameters_json(call));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace graphbit
