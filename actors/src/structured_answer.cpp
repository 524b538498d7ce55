#include "src/structured_answer.hpp"

#include <utility>

#include <graphbit/net/json_mode.hpp>

#include "src/json_schema.hpp"
#include "src/text_beginning.hpp"

namespace graphbit {

namespace {

constexpr std::uint32_t answers_max = 3;
constexpr std::size_t shown_bytes_max = 2000;

std::string demand_text(const std::string& schema) {
  return "Answer with one JSON value and nothing else: no explanation, no code fence. It must be "
         "valid against this JSON schema:\n" +
         schema;
}

/// Whether a plain text can be what `schema` asks for.
bool is_text_wanted(const json_value& schema, const std::string& text) {
  const bool says_so = schema.find("type") != nullptr || schema.find("enum") != nullptr;
  return says_so && !first_fault(json_value(text), schema);
}

/// The JSON value in an answer, also inside a code fence. An answer that is one JSON string comes
/// here without its quotes; a model that leaves them out means the same.
expected<json_value> json_in(const node_output& answer, const json_value& schema) {
  if (answer.structured() != nullptr) return *answer.structured();
  const std::string& text = answer.text();
  if (auto whole = parse_json(text)) return whole;
  const auto fence = text.find("```");
  const auto line = fence == std::string::npos ? fence : text.find('\n', fence);
  const auto end = line == std::string::npos ? line : text.find("```", line);
  if (end != std::string::npos)
    if (auto fenced = parse_json(std::string_view(text).substr(line, end - line))) return fenced;
  if (is_text_wanted(schema, text)) return json_value(text);
  return fail(validation_error("$", "$: the answer is no JSON", beginning_of(text, 200)));
}

error misfit(const schema_fault& fault, const std::string& answer) {
  return validation_error(fault.path, fault.path + ": " + fault.message, beginning_of(answer, 200));
}

}  // namespace

structured_answer::structured_answer(const model_settings& settings, const std::string& provider)
    : settings_(settings) {
  if (settings.output_schema.empty()) return;
  schema_ = parse_json(settings.output_schema).value_or(json_value());
  in_providers_form_ = takes_json_schema(provider);
}

void structured_answer::demand(chat_request& request) {
  if (schema_.is_null()) return;
  asked_ = 1;
  if (!in_providers_form_) {
    request.response_format.clear();
    request.messages.back().text += "\n\n" + demand_text(settings_.output_schema);
  }
  request_ = request;
}

void structured_answer::sent(const chat_request& request) {
  if (!schema_.is_null()) request_ = request;
}

structured_answer::verdict structured_answer::judge(node_output answer) {
  if (schema_.is_null()) return {std::move(answer), {}, {}};
  answered_ = true;
  auto value = json_in(answer, schema_);
  std::optional<error> wrong;
  if (!value)
    wrong = std::move(value.error());
  else if (const auto fault = first_fault(*value, schema_))
    wrong = misfit(*fault, answer.text());
  if (!wrong) return {node_output::from_json(std::move(*value)), {}, {}};
  if (asked_ >= answers_max) {
    wrong->message = "the answer does not fit output_schema after " + std::to_string(asked_) +
                     " tries; the last one: " + wrong->message;
    return {{}, {}, std::move(wrong)};
  }
  return {{},
          ask("Your answer is not valid: " + wrong->message + "\n" +
                  demand_text(settings_.output_schema),
              answer.text()),
          {}};
}

std::optional<chat_request> structured_answer::instead_of(const error& refused) {
  const bool as_bad_request = refused.status == 400 || refused.status == 422;
  if (!in_providers_form_ || answered_ || !as_bad_request) return {};
  in_providers_form_ = false;
  request_.response_format.clear();
  request_.messages.back().text += "\n\n" + demand_text(settings_.output_schema);
  return request_;
}

chat_request structured_answer::ask(std::string user_text, const std::string& said) {
  ++asked_;
  request_.messages.push_back(
      {chat_role::assistant, beginning_of(said, shown_bytes_max), {}, {}, {}});
  request_.messages.push_back({chat_role::user, std::move(user_text), {}, {}, {}});
  if (!in_providers_form_) request_.response_format.clear();
  return request_;
}

}  // namespace graphbit
