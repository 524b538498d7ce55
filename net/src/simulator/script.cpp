#include "script.hpp"

#include <graphbit/net/http_types.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::sim {

namespace {

constexpr std::size_t matched_bytes_max = 16 * 1024;  // std::regex recurses on long texts

error rule_error(std::size_t index, const std::string& what) {
  return configuration_error("script", "rule " + std::to_string(index) + ": " + what);
}

std::uint64_t number_or(const json_value& rule, std::string_view name, std::uint64_t otherwise) {
  const auto* v = rule.find(name);
  return v && v->is_number() && v->as_double() >= 0 ? static_cast<std::uint64_t>(v->as_double())
                                                    : otherwise;
}

expected<std::string> header_lines(const json_value& rule) {
  std::string lines;
  const auto* headers = rule.find("headers");
  if (!headers) return lines;
  if (!headers->is_object()) return fail(core_error("'headers' is an object of name to text"));
  for (const auto& [name, value] : headers->as_object()) {
    const auto text = to_text(value);
    if (name.find_first_of("\r\n: ") != std::string::npos ||
        text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return fail(core_error("the header '" + name + "' has characters that no header may have"));
    lines.append(name).append(": ").append(text).append("\r\n");
  }
  return lines;
}

expected<void> read_conditions(const json_value& rule, script_rule& out) {
  out.contains = rule.string_or("contains");
  out.model = rule.string_or("model");
  out.last_role = rule.string_or("last_role");
  out.times = number_or(rule, "times", out.times);
  const auto pattern = rule.string_or("matches");
  if (pattern.empty()) return {};
  try {
    out.matches.emplace(pattern);
  } catch (const std::regex_error& e) {
    return fail(core_error("'matches' is no regular expression: " + std::string(e.what())));
  }
  return {};
}

void read_calls(const json_value& calls, script_rule& out) {
  for (const auto& call : calls.as_array()) {
    const auto* arguments = call.find("arguments");
    out.tool_calls.emplace_back(call.string_or("name"), arguments ? to_text(*arguments) : "{}");
  }
}

void read_refusal(const json_value& rule, script_rule& out) {
  out.status = static_cast<int>(number_or(rule, "status", 0));
  const auto* error = rule.find("error");
  if (!error) return;
  if (error->is_string()) out.error_message = error->as_string();
  out.error_message = error->string_or("message", out.error_message);
  out.error_type = error->string_or("type");
  out.error_code = error->string_or("code");
  out.error_param = error->string_or("param");
}

void read_usage(const json_value& usage, script_rule& out) {
  out.prompt_tokens = number_or(usage, "prompt_tokens", 0);
  out.completion_tokens = number_or(usage, "completion_tokens", 0);
  out.cached_tokens = number_or(usage, "cached_tokens", 0);
  out.reasoning_tokens = number_or(usage, "reasoning_tokens", 0);
}

expected<void> read_reply(const json_value& rule, script_rule& out) {
  if (const auto* text = rule.find("text")) out.text = to_text(*text);
  if (const auto* json = rule.find("json")) out.json = to_json(*json);
  if (const auto* raw = rule.find("raw")) out.raw = to_text(*raw);
  if (const auto* calls = rule.find("tool_calls"); calls && calls->is_array())
    read_calls(*calls, out);
  read_refusal(rule, out);
  out.content_type = rule.string_or("content_type", out.content_type);
  out.finish = rule.string_or("finish_reason");
  if (const auto* usage = rule.find("usage")) read_usage(*usage, out);
  if (const auto* latency = rule.find("latency_ms"); latency && latency->is_number())
    out.latency_ms = latency->as_double();
  auto headers = header_lines(rule);
  if (!headers) return fail(headers.error());
  out.headers = std::move(*headers);
  if (out.text || out.json || out.raw || !out.tool_calls.empty() || out.status != 0) return {};
  return fail(core_error("give it one of 'text', 'json', 'tool_calls', 'status' or 'raw'"));
}

}  // namespace

expected<script> script::parse(std::string_view text) {
  script parsed;
  if (text.empty()) return parsed;
  const auto document = parse_json(text);
  if (!document) return fail(configuration_error("script", "no JSON: " + document.error().message));
  const auto* rules = document->is_array() ? &*document : document->find("rules");
  if (!rules || !rules->is_array())
    return fail(configuration_error("script", R"(give it as {"rules": [...]})"));
  for (const auto& rule : rules->as_array()) {
    const auto index = parsed.rules_.size() + 1;
    if (!rule.is_object()) return fail(rule_error(index, "each rule is an object"));
    script_rule next;
    if (const auto read = read_conditions(rule, next); !read)
      return fail(rule_error(index, read.error().message));
    if (const auto read = read_reply(rule, next); !read)
      return fail(rule_error(index, read.error().message));
    parsed.rules_.push_back(std::move(next));
  }
  return parsed;
}

const script_rule* script::find(const question& asked) {
  for (auto& rule : rules_) {
    if (rule.times == 0) continue;
    if (!rule.model.empty() && rule.model != asked.model) continue;
    if (!rule.last_role.empty() && rule.last_role != asked.last_role) continue;
    if (!rule.contains.empty() && asked.last_text.find(rule.contains) == std::string_view::npos)
      continue;
    const auto text = asked.last_text.substr(0, matched_bytes_max);
    if (rule.matches && !std::regex_search(text.begin(), text.end(), *rule.matches)) continue;
    if (rule.times != ~0ULL) --rule.times;
    return &rule;
  }
  return nullptr;
}

std::string script::text_for(const script_rule& rule, const question& asked) {
  if (!rule.matches) return *rule.text;
  const auto text = asked.last_text.substr(0, matched_bytes_max);
  std::match_results<std::string_view::const_iterator> match;
  if (!std::regex_search(text.begin(), text.end(), match, *rule.matches)) return *rule.text;
  return match.format(*rule.text);
}

}  // namespace graphbit::sim
