// Written from Ollama's API document (docs/api.md) and checked with its official Python client.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include <graphbit/runtime/json_value.hpp>

#include "json_access.hpp"
#include "reply_text.hpp"
#include "wire.hpp"

namespace graphbit::sim {

namespace {

refusal bad(std::string message) {
  refusal why;
  why.message = std::move(message);
  return why;
}

std::string_view path_end(const http_server_request& request) {
  const auto path = request.path();
  return path.substr(path.rfind('/') + 1);
}

void read_message(const json& message, question& out) {
  const auto role = text_member(message, "role"), text = text_member(message, "content");
  add_prompt_text(out, role);
  add_prompt_text(out, text);
  out.last_role = role;
  if (role == "user") out.last_text = text;
  if (role == "tool") out.tool_result = text;
}

std::string timestamp(std::int64_t unix_s) {
  const std::time_t at = unix_s;
  std::tm utc{};
  gmtime_r(&at, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000Z", &utc)};
}

/// Chat and generate differ in where the text stands.
class ollama final : public wire {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    out.model = text_member(body, "model");
    if (out.model.empty()) return bad("model is required");
    out.endpoint = path_end(request);
    if (out.endpoint == "generate")
      read_generate(body, out);
    else if (const auto* messages = array_member(body, "messages"))
      for (const auto& message : messages->GetArray()) read_message(message, out);
    if (const auto* tools = array_member(body, "tools"))
      for (const auto& tool : tools->GetArray())
        if (const auto* function = member(tool, "function"))
          out.tools.push_back({text_member(*function, "name"), member(*function, "parameters")});
    if (const auto* format = member(body, "format")) {
      out.wants_json = format->IsObject() || text_of(*format) == "json";
      out.schema = format->IsObject() ? format : nullptr;
    }
    if (const auto* options = member(body, "options")) {
      out.max_tokens = size_member(*options, "num_predict", 0);
      if (const auto* stops = array_member(*options, "stop"))
        for (const auto& stop : stops->GetArray()) out.stops.push_back(text_of(stop));
    }
    out.stream = flag_member(body, "stream", true);
    return std::nullopt;
  }

  void write_chat(const question& asked, const answer& said, std::string& out) const override {
    open_line(asked, said, out);
    if (only_loads(asked)) {
      out.append(R"(,"response":"","done":true,"done_reason":"load"})");
      return;
    }
    write_text(asked, said.text, &said, out);
    write_end(said, out);
  }

  void write_stream(const question& asked, const answer& said, frames& out) const override {
    for (const auto piece : split_text(said.text, said.chunk_count)) {
      open_line(asked, said, out.bytes);
      write_text(asked, piece, nullptr, out.bytes);
      out.bytes.append(R"(,"done":false})"
                       "\n");
      out.end_frame();
    }
    if (!said.calls.empty()) {
      open_line(asked, said, out.bytes);
      write_text(asked, {}, &said, out.bytes);
      out.bytes.append(R"(,"done":false})"
                       "\n");
      out.end_frame();
    }
    open_line(asked, said, out.bytes);
    write_text(asked, {}, nullptr, out.bytes);
    write_end(said, out.bytes);
    out.bytes.append("\n");
    out.end_frame();
  }

  bool write_stream_error(const refusal& why, frames& out) const override {
    write_refusal(why, out.bytes);
    out.bytes.append("\n");
    out.end_frame();
    return true;
  }

  std::string_view stream_content_type(const http_server_request&) const override {
    return "application/x-ndjson";
  }
  std::string_view key(const http_server_request& request) const override {
    return bearer_key(request);
  }
  void write_refusal(const refusal& why, std::string& out) const override {
    out.append(R"({"error":)");
    append_json_string(out, why.message);
    out.append("}");
  }
  refusal unknown_model(std::string_view model) const override {
    refusal why;
    why.status = 404;
    why.message = "model '" + std::string(model) + "' not found";
    return why;
  }
  void write_headers(std::string_view, const allowances&, std::string&) const override {}

 private:
  static void read_generate(const json& body, question& out) {
    add_prompt_text(out, text_member(body, "system"));
    add_prompt_text(out, text_member(body, "prompt"));
    out.last_text = text_member(body, "prompt");
    out.last_role = "user";
  }

  /// A generation without a prompt only brings the model into memory.
  static bool only_loads(const question& asked) {
    return asked.endpoint == "generate" && asked.last_text.empty();
  }

  static void open_line(const question& asked, const answer& said, std::string& out) {
    out.append(R"({"model":)");
    append_json_string(out, asked.model);
    out.append(R"(,"created_at":")").append(timestamp(said.created_s)).append("\"");
  }

  static void write_text(const question& asked, std::string_view text, const answer* with_calls,
                         std::string& out) {
    if (asked.endpoint == "generate") {
      out.append(R"(,"response":)");
      return append_json_string(out, text);
    }
    out.append(R"(,"message":{"role":"assistant","content":)");
    append_json_string(out, text);
    if (with_calls && !with_calls->calls.empty()) {
      out.append(R"(,"tool_calls":[)");
      for (std::size_t i = 0; i < with_calls->calls.size(); ++i) {
        const auto& call = with_calls->calls[i];
        out.append(i > 0 ? "," : "").append(R"({"function":{"name":)");
        append_json_string(out, call.name);
        out.append(R"(,"arguments":)").append(call.arguments).append("}}");
      }
      out.append("]");
    }
    out.append("}");
  }

  static void write_end(const answer& said, std::string& out) {
    out.append(R"(,"done":true,"done_reason":")")
        .append(said.finish == "length" ? "length" : "stop");
    out.append(R"(","total_duration":5000000,"load_duration":1000000,"prompt_eval_count":)");
    out.append(std::to_string(said.prompt_tokens));
    out.append(R"(,"prompt_eval_duration":1000000,"eval_count":)");
    out.append(std::to_string(said.completion_tokens)).append(R"(,"eval_duration":3000000})");
  }
};

}  // namespace

const wire& ollama_wire() {
  static const ollama the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
