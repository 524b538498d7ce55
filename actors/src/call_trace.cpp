#include "call_trace.hpp"

#include <utility>

#include <graphbit/runtime/chat_role_name.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "call_metrics.hpp"
#include "provider_shard.hpp"

namespace graphbit {

namespace {

json_value text_part(std::string_view text) {
  json_value part;
  part.set("type", "text");
  part.set("content", text);
  return part;
}

json_value tool_call_part(const tool_call& call) {
  json_value part;
  part.set("type", "tool_call");
  part.set("id", call.id);
  part.set("name", call.name);
  auto arguments = parse_json(call.arguments);
  part.set("arguments", arguments ? std::move(*arguments) : json_value(call.arguments));
  return part;
}

// Images and files are named, not copied.
json_value parts_of(const chat_message& message) {
  json_value::array parts;
  if (message.role == chat_role::tool) {
    json_value part;
    part.set("type", "tool_call_response");
    part.set("id", message.tool_call_id);
    part.set("response", message.text);
    parts.push_back(std::move(part));
    return parts;
  }
  if (message.parts.empty() && !message.text.empty()) parts.push_back(text_part(message.text));
  for (const auto& p : message.parts)
    parts.push_back(p.type == content_part::kind::text ? text_part(p.data)
                                                       : text_part("[" + p.media_type + "]"));
  for (const auto& call : message.tool_calls) parts.push_back(tool_call_part(call));
  return parts;
}

void add_messages(trace_span& span, const chat_request& request) {
  json_value::array input, instructions;
  for (const auto& message : request.messages) {
    if (message.role == chat_role::system) {
      instructions.push_back(text_part(message.text));
      continue;
    }
    json_value one;
    one.set("role", role_name(message.role));
    one.set("parts", parts_of(message));
    input.push_back(std::move(one));
  }
  span.set("gen_ai.input.messages", to_json(json_value(std::move(input))));
  if (!instructions.empty())
    span.set("gen_ai.system_instructions", to_json(json_value(std::move(instructions))));
}

void add_answer(trace_span& span, const chat_response& response) {
  const chat_message said{
      .role = chat_role::assistant, .text = response.content, .tool_calls = response.tool_calls};
  json_value one;
  one.set("role", "assistant");
  one.set("parts", parts_of(said));
  one.set("finish_reason", to_string(response.finish));
  json_value::array messages;
  messages.push_back(std::move(one));
  span.set("gen_ai.output.messages", to_json(json_value(std::move(messages))));
}

void add_server(trace_span& span, const origin& at) {
  span.set("server.address", at.unix_path.empty() ? at.host : at.unix_path);
  if (at.unix_path.empty()) span.set("server.port", std::int64_t{at.port});
}

void add_request(trace_span& span, const call_facts& facts) {
  const auto* chat = facts.call.chat();
  if (facts.call.stream) span.set("gen_ai.request.stream", true);
  if (chat == nullptr) {
    if (const auto dimensions = facts.call.embedding()->dimensions)
      span.set("gen_ai.embeddings.dimension.count", std::int64_t{*dimensions});
    return;
  }
  if (chat->max_tokens) span.set("gen_ai.request.max_tokens", std::int64_t{*chat->max_tokens});
  if (chat->temperature) span.set("gen_ai.request.temperature", *chat->temperature);
  if (chat->top_p) span.set("gen_ai.request.top_p", *chat->top_p);
  if (facts.content) add_messages(span, *chat);
}

trace_span begin(const call_facts& facts) {
  const auto& config = facts.endpoint.config;
  const bool embedding = facts.call.embedding() != nullptr;
  const std::string model(facts.call.model().empty() ? config.model : facts.call.model());
  trace_span span;
  span.attributes.reserve(20);
  span.context = facts.span;
  span.parent = facts.call.options.trace.span;
  span.name.append(gen_ai_operation_name(embedding)).append(" ").append(model);
  span.kind = span_kind::client;
  span.started = facts.call.submitted_at;
  span.ended = facts.ended;
  span.set("gen_ai.operation.name", gen_ai_operation_name(embedding));
  span.set("gen_ai.provider.name", gen_ai_provider_name(config.provider));
  span.set("gen_ai.request.model", model);
  add_server(span, facts.endpoint.at.at);
  add_request(span, facts);
  span.set("graphbit.attempts", std::int64_t{facts.attempts});
  span.set("graphbit.request.id", facts.call.options.idempotency_key);
  if (const auto& origin = facts.call.options.origin) {
    span.set("graphbit.run.id", origin->run_id);
    span.set("graphbit.node.name", origin->node);
  }
  return span;
}

void add_usage(trace_span& span, const token_usage& usage, const std::string& model,
               const std::optional<double>& cost) {
  if (!model.empty()) span.set("gen_ai.response.model", model);
  span.set("gen_ai.usage.input_tokens", std::int64_t{usage.prompt_tokens});
  if (cost) span.set("graphbit.cost", *cost);
}

void fail_span(trace_span& span, const error& failure) {
  span.failed = true;
  // The provider's words may quote the prompt; kind and status never do.
  span.failure = std::string(to_string(failure.kind));
  if (failure.status != 0) span.failure += " (HTTP " + std::to_string(failure.status) + ")";
  span.set("error.type",
           failure.status != 0 ? std::to_string(failure.status) : std::string(error_type(failure)));
}

}  // namespace

trace_span span_of(const call_facts& facts, const chat_response& response) {
  auto span = begin(facts);
  const auto& usage = response.usage;
  add_usage(span, usage, response.model, response.cost);
  span.set("gen_ai.usage.output_tokens", std::int64_t{usage.completion_tokens});
  const auto set_some = [&](std::string_view name, const std::optional<std::uint32_t>& tokens) {
    if (tokens) span.set(name, std::int64_t{*tokens});
  };
  set_some("gen_ai.usage.cache_read.input_tokens", usage.cache_read_tokens);
  set_some("gen_ai.usage.cache_creation.input_tokens", usage.cache_creation_tokens);
  set_some("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens);
  if (!response.id.empty()) span.set("gen_ai.response.id", response.id);
  span.set("gen_ai.response.finish_reasons",
           span_attribute::list{std::string(to_string(response.finish))});
  if (facts.to_first_chunk > duration{0})
    span.set("gen_ai.response.time_to_first_chunk", call_meter::seconds_of(facts.to_first_chunk));
  if (response.cached) span.set("graphbit.cached", true);
  if (facts.content) add_answer(span, response);
  return span;
}

trace_span span_of(const call_facts& facts, const embedding_response& response) {
  auto span = begin(facts);
  add_usage(span, response.usage, response.model, response.cost);
  return span;
}

trace_span span_of(const call_facts& facts, const error& failure) {
  auto span = begin(facts);
  fail_span(span, failure);
  return span;
}

trace_span span_of(const attempt_facts& facts) {
  const auto& at = facts.endpoint.at.at;
  trace_span span;
  span.attributes.reserve(8);
  span.context = facts.span;
  span.parent = facts.parent;
  span.name = "POST";
  span.kind = span_kind::client;
  span.started = facts.started;
  span.ended = facts.ended;
  span.set("http.request.method", "POST");
  add_server(span, at);
  // Without the query, which could hold a key.
  span.set("url.full", (at.tls ? "https://" : "http://") + at.authority() +
                           std::string(facts.target.substr(0, facts.target.find('?'))));
  if (facts.status != 0) span.set("http.response.status_code", std::int64_t{facts.status});
  if (facts.number > 1) span.set("http.request.resend_count", std::int64_t{facts.number - 1});
  if (facts.hedge) span.set("graphbit.hedge", true);
  if (facts.failure != nullptr) fail_span(span, *facts.failure);
  return span;
}

}  // namespace graphbit
