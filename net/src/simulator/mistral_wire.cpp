// Mistral: OpenAI's request with fewer fields, whole tool calls in one chunk, usage in the last
// chunk of every stream, and its own error bodies. From Mistral's API reference and checked with
// its official Python client. Served below any path that contains "/mistral/".
#include <algorithm>
#include <array>

#include "json_access.hpp"
#include "json_writing.hpp"
#include "openai_wire.hpp"
#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

// What OpenAI takes and Mistral refuses.
constexpr std::array unknown_fields = {"max_completion_tokens", "stream_options", "logprobs",
                                       "service_tier",          "store",          "seed"};

/// Nine letters and digits; a long id keeps its end, where it differs.
std::string_view call_id(const function_call& call) {
  const std::string_view id = call.id;
  return id.substr(id.size() > 9 ? id.size() - 9 : 0);
}

void append_calls(const answer& said, std::string& out) {
  if (said.calls.empty()) return;
  out.append(R"(,"tool_calls":[)");
  for (std::size_t i = 0; i < said.calls.size(); ++i)
    append(out, i > 0 ? "," : "", R"({"id":")", call_id(said.calls[i]),
           R"(","type":"function","function":{"name":)", quoted{said.calls[i].name},
           R"(,"arguments":)", quoted{said.calls[i].arguments}, R"(},"index":)", i, "}");
  out.append("]");
}

void append_usage(const answer& said, std::string& out) {
  append(out, R"(,"usage":{"prompt_tokens":)", said.prompt_tokens, R"(,"completion_tokens":)",
         said.completion_tokens, R"(,"total_tokens":)", said.prompt_tokens + said.completion_tokens,
         "}");
}

class mistral final : public openai {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    for (const auto* field : unknown_fields)
      if (member(body, field))
        return invalid_field("extra_forbidden", field, "Extra inputs are not permitted");
    for (const auto* field : {"model", "messages"})
      if (!member(body, field)) return invalid_field("missing", field, "Field required");
    return openai::read_chat(request, body, out);
  }

  void write_chat(const question& asked, const answer& said, std::string& out) const override {
    append(out, R"({"id":")", said.id, R"(","object":"chat.completion","created":)", said.created_s,
           R"(,"model":)", quoted{asked.model},
           R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)", quoted{said.text});
    append_calls(said, out);
    append(out, R"(,"prefix":false},"finish_reason":")", said.finish, "\"}]");
    append_usage(said, out);
    out.append("}");
  }

  void write_stream(const question& asked, const answer& said, frames& out) const override {
    std::string head;
    append(head, R"(data: {"id":")", said.id, R"(","object":"chat.completion.chunk","created":)",
           said.created_s, R"(,"model":)", quoted{asked.model},
           R"(,"choices":[{"index":0,"delta":)");
    const auto delta = [&](const auto&... parts) {
      append(out.bytes, head, parts..., R"(,"finish_reason":null}]})", "\n\n");
      out.end_frame();
    };
    delta(R"({"role":"assistant","content":""})");
    for (const auto piece : split_text(said.text, said.chunk_count))
      delta(R"({"content":)", quoted{piece}, "}");
    append(out.bytes, head, R"({"content":"")");
    append_calls(said, out.bytes);
    append(out.bytes, R"(},"finish_reason":")", said.finish, "\"}]");
    append_usage(said, out.bytes);
    out.bytes.append("}\n\n");
    out.end_frame();
    out.bytes.append("data: [DONE]\n\n");
    out.end_frame();
  }

  refusal unknown_model(std::string_view model) const override {
    refusal why;
    why.type = "invalid_model";
    why.code = "1500";
    why.message = "Invalid model: " + std::string(model);
    return why;
  }
  void write_refusal(const refusal& why, std::string& out) const override {
    if (why.status == 422)
      return append(out, R"({"detail":[{"type":)",
                    quoted{why.type.empty() ? "value_error" : why.type}, R"(,"loc":["body",)",
                    quoted{why.param}, R"(],"msg":)", quoted{why.message}, "}]}");
    if (why.status == 401) return append(out, R"({"detail":"Unauthorized"})");
    const std::string_view type = why.status == 429   ? "rate_limited"
                                  : why.status >= 500 ? "internal_server_error"
                                                      : "invalid_request_error";
    append(out, R"({"object":"error","message":)", quoted{why.message}, R"(,"type":)",
           quoted{why.type.empty() ? type : std::string_view(why.type)}, R"(,"param":)",
           quoted_or_null{why.param}, R"(,"code":)", quoted_or_null{why.code},
           R"(,"raw_status_code":)", why.status, "}");
  }

  void write_headers(std::string_view request_id, const allowances& left,
                     std::string& out) const override {
    append(out, "mistral-correlation-id: ", request_id, "\r\n");
    write_limit("req-minute", left.requests, left.now, out);
    write_limit("tokens-minute", left.tokens, left.now, out);
  }

 protected:
  std::string_view file_part() const override { return "document_url"; }

 private:
  static refusal invalid_field(std::string type, std::string field, std::string message) {
    refusal why;
    why.status = 422;
    why.type = std::move(type);
    why.param = std::move(field);
    why.message = std::move(message);
    return why;
  }

  static void write_limit(std::string_view what, const allowance& a, time_point now,
                          std::string& out) {
    if (a.limit() <= 0) return;
    append(out, "x-ratelimit-limit-", what, ": ", static_cast<std::uint64_t>(a.limit()),
           "\r\nx-ratelimit-remaining-", what, ": ",
           static_cast<std::uint64_t>(std::max(0.0, a.left(now))), "\r\n");
  }
};

}  // namespace

const wire& mistral_wire() {
  static const mistral the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
