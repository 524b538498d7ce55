#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <graphbit/actors/pending_call.hpp>
#include <graphbit/net/http_types.hpp>
#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/tracer.hpp>

namespace graphbit {

struct provider_endpoint;

/// What a call's span is made of, once the call has ended. Attribute names are those of
/// OpenTelemetry's semantic conventions 1.41.1 (gen-ai/gen-ai-spans.md); ours begin with
/// "graphbit.".
struct call_facts {
  const provider_endpoint& endpoint;
  const pending_call& call;
  trace_context span;
  time_point ended;
  std::uint32_t attempts = 0;
  duration to_first_chunk{0};  ///< of a stream; 0: none came
  bool content = false;        ///< record the messages too
};
[[nodiscard]] trace_span span_of(const call_facts& facts, const chat_response& response);
[[nodiscard]] trace_span span_of(const call_facts& facts, const embedding_response& response);
[[nodiscard]] trace_span span_of(const call_facts& facts, const error& failure);

/// One HTTP exchange of a call (http/http-spans.md).
struct attempt_facts {
  const provider_endpoint& endpoint;
  std::string_view target;
  trace_context span;
  std::uint64_t parent = 0;
  time_point started, ended;
  std::uint32_t number = 1;
  bool hedge = false;
  int status = 0;                  ///< 0: no answer came
  const error* failure = nullptr;  ///< none: it succeeded
};
[[nodiscard]] trace_span span_of(const attempt_facts& facts);

}  // namespace graphbit
