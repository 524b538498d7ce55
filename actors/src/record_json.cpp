#include "src/record_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "src/error_json.hpp"

namespace graphbit {

namespace {

/// Writes one JSON object member by member: records are made for every node, and building a
/// document first would cost more than writing it.
class object_text {
 public:
  void text(const char* key, std::string_view value) {
    if (value.empty()) return;
    name(key);
    append_json_string(out_, value);
  }
  void raw(const char* key, std::string_view json) {
    name(key);
    out_ += json;
  }
  template <class Number>
  void number(const char* key, Number value) {
    name(key);
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out_.append(digits.data(), end);
  }
  template <class Number>
  void number_or_none(const char* key, const std::optional<Number>& value) {
    if (value) number(key, *value);
  }
  [[nodiscard]] std::string finish() {
    if (out_.empty()) out_ = "{";
    out_ += '}';
    return std::move(out_);
  }

 private:
  void name(const char* key) {
    out_ += out_.empty() ? '{' : ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  std::string out_;
};

std::string usage_text(const token_usage& u) {
  object_text out;
  out.number("in", u.prompt_tokens);
  out.number("out", u.completion_tokens);
  out.number("total", u.total_tokens);
  out.number_or_none("cache_read", u.cache_read_tokens);
  out.number_or_none("cache_creation", u.cache_creation_tokens);
  out.number_or_none("reasoning", u.reasoning_tokens);
  return out.finish();
}

std::uint64_t whole(const json_value* value) {
  if (value == nullptr) return 0;
  if (value->is_uint()) return value->as_uint();
  return value->is_int() && value->as_int() > 0 ? static_cast<std::uint64_t>(value->as_int()) : 0;
}

// A damaged record may hold any number: what is too large becomes the largest that can be meant.

std::uint64_t at_most(std::uint64_t max, const json_value* value) {
  return std::min(max, whole(value));
}

std::uint32_t count_of(const json_value& from, const char* key) {
  constexpr auto max = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(at_most(max, from.find(key)));
}

std::optional<std::uint32_t> optional_count(const json_value& from, const char* key) {
  if (from.find(key) == nullptr) return std::nullopt;
  return count_of(from, key);
}

std::int64_t milliseconds_of(const json_value& from, const char* key) {
  // The year 2223: the clocks' nanoseconds end in 2262.
  return static_cast<std::int64_t>(at_most(8'000'000'000'000, from.find(key)));
}

token_usage read_usage(const json_value* from) {
  token_usage u;
  if (from == nullptr) return u;
  u.prompt_tokens = count_of(*from, "in");
  u.completion_tokens = count_of(*from, "out");
  u.total_tokens = count_of(*from, "total");
  u.cache_read_tokens = optional_count(*from, "cache_read");
  u.cache_creation_tokens = optional_count(*from, "cache_creation");
  u.reasoning_tokens = optional_count(*from, "reasoning");
  return u;
}

std::string tool_calls_text(const std::vector<tool_call>& calls) {
  std::string out = "[";
  for (const tool_call& call : calls) {
    object_text one;
    one.text("id", call.id);
    one.text("name", call.name);
    one.text("arguments", call.arguments);
    if (out.size() > 1) out += ',';
    out += one.finish();
  }
  return out + "]";
}

std::vector<tool_call> read_tool_calls(const json_value* from) {
  std::vector<tool_call> calls;
  if (from == nullptr || !from->is_array()) return calls;
  for (const json_value& one : from->as_array())
    calls.push_back({one.string_or("id"), one.string_or("name"), one.string_or("arguments")});
  return calls;
}

/// What a live answer and a finished call tell alike.
template <class Answer>
void write_answer(object_text& out, const Answer& a) {
  out.text("id", a.id);
  out.text("model", a.model);
  out.text("provider", a.provider);
  out.text("request_id", a.request_id);
  if (a.finish.type != finish_reason::kind::stop)
    out.number("finish", static_cast<int>(a.finish.type));
  out.text("finish_text", a.finish.text);
  out.raw("usage", usage_text(a.usage));
  if (a.attempts != 1) out.number("attempts", a.attempts);
  out.number_or_none("cost", a.cost);
  if (!a.tool_calls.empty()) out.raw("tool_calls", tool_calls_text(a.tool_calls));
}

template <class Answer>
void read_answer(const json_value& from, Answer& a) {
  a.id = from.string_or("id");
  a.model = from.string_or("model");
  a.provider = from.string_or("provider");
  a.request_id = from.string_or("request_id");
  constexpr auto last = static_cast<std::uint64_t>(finish_reason::kind::other);
  a.finish.type = static_cast<finish_reason::kind>(at_most(last, from.find("finish")));
  a.finish.text = from.string_or("finish_text");
  a.usage = read_usage(from.find("usage"));
  a.attempts = optional_count(from, "attempts").value_or(1);
  if (const json_value* cost = from.find("cost"); cost != nullptr && cost->is_number())
    a.cost = cost->as_double();
  a.tool_calls = read_tool_calls(from.find("tool_calls"));
}

std::string call_text(const llm_call_record& call, const node_output& output,
                      const run_calendar& calendar) {
  object_text out;
  out.number("iteration", call.iteration);
  out.number("started", calendar.to_ms(call.started));
  out.number("ended", calendar.to_ms(call.ended));
  write_answer(out, call);
  const bool is_the_output = call.output.shared_text() == output.shared_text();
  if (!call.output.is_null() && !is_the_output) out.raw("answer", call.output.json_text());
  if (is_the_output && !output.is_null()) out.raw("gave_output", "true");
  if (call.failure) out.raw("error", error_body(*call.failure));
  return out.finish();
}

llm_call_record read_call(const json_value& from, const node_output& output,
                          const run_calendar& calendar) {
  llm_call_record call;
  call.iteration = count_of(from, "iteration");
  call.started = calendar.from_ms(milliseconds_of(from, "started"));
  call.ended = calendar.from_ms(milliseconds_of(from, "ended"));
  read_answer(from, call);
  if (const json_value* answer = from.find("answer")) call.output = node_output::from_json(*answer);
  if (from.find("gave_output") != nullptr) call.output = output;
  if (const json_value* failure = from.find("error")) call.failure = read_error(*failure);
  return call;
}

std::string tool_text(const tool_call_record& tool, const run_calendar& calendar) {
  object_text out;
  out.text("tool", tool.call.name);
  out.text("id", tool.call.id);
  out.text("arguments", tool.call.arguments);
  out.text("output", tool.output);
  if (tool.success) out.raw("success", "true");
  out.number("started", calendar.to_ms(tool.started));
  out.number("ended", calendar.to_ms(tool.ended));
  return out.finish();
}

tool_call_record read_tool(const json_value& from, const run_calendar& calendar) {
  tool_call_record tool;
  tool.call = {from.string_or("id"), from.string_or("tool"), from.string_or("arguments")};
  tool.output = from.string_or("output");
  tool.success = from.find("success") != nullptr;
  tool.started = calendar.from_ms(milliseconds_of(from, "started"));
  tool.ended = calendar.from_ms(milliseconds_of(from, "ended"));
  return tool;
}

std::string executions_text(const node_result& result, const run_calendar& calendar) {
  std::string out = "[";
  for (const auto& execution : result.executions) {
    if (out.size() > 1) out += ',';
    if (const auto* call = std::get_if<llm_call_record>(&execution))
      out += call_text(*call, result.output, calendar);
    else
      out += tool_text(std::get<tool_call_record>(execution), calendar);
  }
  return out + "]";
}

std::optional<node_status> status_from(std::string_view name) {
  for (const auto status : {node_status::completed, node_status::failed, node_status::skipped})
    if (to_string(status) == name) return status;
  return std::nullopt;
}

}  // namespace

std::int64_t run_calendar::to_ms(time_point t) const {
  const auto wall =
      wall_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(t - steady_);
  return std::chrono::floor<milliseconds>(wall.time_since_epoch()).count();
}

time_point run_calendar::from_ms(std::int64_t ms) const {
  return steady_ + std::chrono::duration_cast<duration>(
                       std::chrono::system_clock::time_point(milliseconds(ms)) - wall_);
}

std::string node_body(const node_result& result, const run_calendar& calendar) {
  object_text out;
  out.text("status", to_string(result.status));
  if (!result.output.is_null()) out.raw("output", result.output.json_text());
  if (result.failure) out.raw("error", error_body(*result.failure));
  out.text("chosen", result.chosen);
  out.text("exit_reason", result.exit_reason);
  out.number("started", calendar.to_ms(result.started));
  out.number("ended", calendar.to_ms(result.ended));
  if (!result.executions.empty()) out.raw("calls", executions_text(result, calendar));
  return out.finish();
}

void read_node_body(const json_value& body, const run_calendar& calendar, node_result& out) {
  out.status = status_from(body.string_or("status")).value_or(node_status::completed);
  if (const json_value* output = body.find("output")) out.output = node_output::from_json(*output);
  if (const json_value* failure = body.find("error")) out.failure = read_error(*failure);
  out.chosen = body.string_or("chosen");
  out.exit_reason = body.string_or("exit_reason");
  out.started = calendar.from_ms(milliseconds_of(body, "started"));
  out.ended = calendar.from_ms(milliseconds_of(body, "ended"));
  const json_value* calls = body.find("calls");
  if (calls == nullptr || !calls->is_array()) return;
  for (const json_value& one : calls->as_array()) {
    if (one.find("tool") != nullptr)
      out.executions.emplace_back(read_tool(one, calendar));
    else
      out.executions.emplace_back(read_call(one, out.output, calendar));
  }
}

std::string call_body(const llm_call_record& answer) {
  object_text out;
  out.text("answer", answer.output.text());
  write_answer(out, answer);
  return out.finish();
}

chat_response read_call_body(const json_value& body) {
  chat_response response;
  response.content = body.string_or("answer");
  read_answer(body, response);
  return response;
}

std::string tool_body(const expected<json_value>& result) {
  object_text out;
  if (result)
    out.raw("gave", to_json(*result));
  else
    out.raw("error", error_body(result.error()));
  return out.finish();
}

expected<json_value> read_tool_body(const json_value& body) {
  if (const json_value* failure = body.find("error")) return fail(read_error(*failure));
  const json_value* gave = body.find("gave");
  return gave == nullptr ? json_value() : *gave;
}

std::string error_body(const error& e) { return to_json(error_json(e)); }

error read_error(const json_value& body) {
  error e;
  e.kind = error_kind_from(body.string_or("kind")).value_or(error_kind::core);
  e.message = body.string_or("message");
  e.field = body.string_or("field");
  e.value = body.string_or("value");
  e.operation = body.string_or("operation");
  e.provider = body.string_or("provider");
  e.resource_type = body.string_or("resource_type");
  e.request_id = body.string_or("request_id");
  e.status = static_cast<int>(at_most(999, body.find("status")));
  e.attempts = count_of(body, "attempts");
  if (body.find("retry_after_ms") != nullptr)
    e.retry_after = milliseconds{milliseconds_of(body, "retry_after_ms")};
  e.duration = milliseconds{milliseconds_of(body, "duration_ms")};
  e.cancelled = body.find("cancelled") != nullptr;
  return e;
}

}  // namespace graphbit
