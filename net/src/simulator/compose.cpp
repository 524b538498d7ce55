#include "compose.hpp"

#include <algorithm>
#include <ctime>

#include "reply_text.hpp"
#include "schema_sample.hpp"

namespace graphbit::sim {

namespace {

const offered_tool* find_tool(const question& asked, std::string_view name) {
  for (const auto& tool : asked.tools)
    if (tool.name == name) return &tool;
  return nullptr;
}

/// The tool that the model would call by itself, or nullptr.
const offered_tool* choose_tool(const question& asked, std::uint64_t hash) {
  if (asked.tools.empty() || asked.tool_choice == tool_rule::none) return nullptr;
  if (asked.tool_choice == tool_rule::named) return find_tool(asked, asked.tool_name);
  if (asked.last_role == "user")
    for (const auto& tool : asked.tools)
      if (!tool.name.empty() && asked.last_text.find(tool.name) != std::string_view::npos)
        return &tool;
  if (asked.tool_choice == tool_rule::required) return &asked.tools[hash % asked.tools.size()];
  return nullptr;
}

void call_tool(const question& asked, const offered_tool& tool, std::uint64_t hash, answer& out) {
  function_call call;
  call.name = tool.name;
  if (tool.parameters)
    append_sample(*tool.parameters, asked.last_text, hash, call.arguments);
  else
    call.arguments = "{}";
  out.calls.push_back(std::move(call));
}

void say_natural(const question& asked, const behaviour& how, std::uint64_t hash, answer& out) {
  if (const auto* tool = choose_tool(asked, hash)) return call_tool(asked, *tool, hash, out);
  if (asked.wants_json) {
    if (asked.schema)
      append_sample(*asked.schema, asked.last_text, hash, out.text);
    else
      out.text = R"({"answer":"sample"})";
    return;
  }
  if (how.reply_bytes > 0) {
    out.text = filler_text(how.reply_bytes, hash);
    return;
  }
  if (asked.last_role == "tool") {
    out.text = "According to the tool: ";
    out.text.append(cut_text(asked.tool_result, 300));
    return;
  }
  out.text = digest_text(asked.last_text, hash);
}

void say_scripted(const question& asked, const script_rule& rule, answer& out) {
  if (rule.text) out.text = script::text_for(rule, asked);
  if (rule.json) out.text = *rule.json;
  for (const auto& [name, arguments] : rule.tool_calls) out.calls.push_back({{}, name, arguments});
}

/// Stop sequences and the token bound, as the provider would apply them.
void bound_text(const question& asked, const behaviour& how, answer& out) {
  for (const auto stop : asked.stops) {
    const auto at = stop.empty() ? std::string::npos : out.text.find(stop);
    if (at == std::string::npos) continue;
    out.text.resize(at);
    out.stopped_by = stop;
  }
  if (asked.max_tokens == 0 || how.reply_bytes > 0 || !out.calls.empty()) return;
  if (count_tokens(out.text.size()) <= asked.max_tokens) return;
  out.text.resize(cut_text(out.text, asked.max_tokens * 4).size());
  out.finish = "length";
}

void report_usage(const script_rule& rule, answer& out) {
  if (rule.prompt_tokens > 0) out.prompt_tokens = rule.prompt_tokens;
  if (rule.completion_tokens > 0) out.completion_tokens = rule.completion_tokens;
  out.cached_tokens = std::min(rule.cached_tokens, out.prompt_tokens);
  out.reasoning_tokens = std::min(rule.reasoning_tokens, out.completion_tokens);
}

}  // namespace

answer compose(const question& asked, const script_rule* rule, const behaviour& how,
               std::string id) {
  answer out;
  const auto hash = asked.prompt_hash ^ (how.seed * 0x9e3779b97f4a7c15ULL);
  if (rule)
    say_scripted(asked, *rule, out);
  else
    say_natural(asked, how, hash, out);
  bound_text(asked, how, out);
  if (!out.calls.empty()) out.finish = "tool_calls";
  if (rule && !rule->finish.empty()) out.finish = rule->finish;
  std::size_t said_bytes = out.text.size();
  for (std::size_t i = 0; i < out.calls.size(); ++i) {
    out.calls[i].id = id + std::to_string(i);
    said_bytes += out.calls[i].name.size() + out.calls[i].arguments.size();
  }
  out.prompt_tokens = std::max<std::size_t>(1, count_tokens(asked.prompt_bytes));
  out.completion_tokens = std::max<std::size_t>(1, count_tokens(said_bytes));
  if (rule) report_usage(*rule, out);
  out.chunk_count = how.chunk_count;
  out.created_s = std::time(nullptr);
  out.id = std::move(id);
  return out;
}

}  // namespace graphbit::sim
