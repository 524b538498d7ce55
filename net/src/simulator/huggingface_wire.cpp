// Hugging Face's text generation: the serverless Inference API's `/models/NAME` and the streams of
// text-generation-inference. From their API documents. (Their OpenAI-compatible router is plain
// /chat/completions.)
#include "json_access.hpp"
#include "json_writing.hpp"
#include "reply_text.hpp"
#include "wire.hpp"

namespace graphbit::sim {

namespace {

class huggingface final : public wire {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    const auto path = request.path();
    constexpr std::string_view mark = "/models/";
    out.model = path.substr(path.find(mark) + mark.size());
    const auto* inputs = member(body, "inputs");
    if (!inputs || !inputs->IsString()) {
      refusal why;
      why.status = 422;
      why.message =
          "Failed to deserialize the JSON body into the target type: missing field `inputs`";
      return why;
    }
    out.last_text = text_of(*inputs);
    out.last_role = "user";
    add_prompt_text(out, out.last_text);
    out.stream = flag_member(body, "stream", false);
    const auto* parameters = member(body, "parameters");
    if (!parameters) return std::nullopt;
    out.max_tokens = size_member(*parameters, "max_new_tokens", 0);
    if (flag_member(*parameters, "return_full_text", false)) out.endpoint = "full_text";
    if (flag_member(*parameters, "details", false)) out.stream_usage = true;
    if (const auto* stops = array_member(*parameters, "stop"))
      for (const auto& stop : stops->GetArray()) out.stops.push_back(text_of(stop));
    return std::nullopt;
  }

  void write_chat(const question& asked, const answer& said, std::string& out) const override {
    const auto before = asked.endpoint == "full_text" ? asked.last_text : std::string_view{};
    append(out, R"([{"generated_text":)", quoted{std::string(before) + said.text});
    if (asked.stream_usage) {
      append(out, R"(,"details":{)");
      append_end(said, out);
      append(out, R"(,"prefill":[],"tokens":[]})");
    }
    out.append("}]");
  }

  void write_stream(const question&, const answer& said, frames& out) const override {
    const auto pieces = split_text(said.text, said.chunk_count);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const bool last = i + 1 == pieces.size();
      append(out.bytes, R"(data:{"index":)", i + 1, R"(,"token":{"id":)", 1000 + i, R"(,"text":)",
             quoted{pieces[i]}, R"(,"logprob":-0.5,"special":false},"generated_text":)");
      if (last)
        write_last(said, out.bytes);
      else
        out.bytes.append(R"(null,"details":null})");
      out.bytes.append("\n\n");
      out.end_frame();
    }
  }

  bool write_stream_error(const refusal& why, frames& out) const override {
    append(out.bytes, R"(data:{"error":)", quoted{why.message}, R"(,"error_type":"generation"})",
           "\n\n");
    out.end_frame();
    return true;
  }

  std::string_view key(const http_server_request& request) const override {
    return bearer_key(request);
  }

  void write_refusal(const refusal& why, std::string& out) const override {
    append(out, R"({"error":)", quoted{why.message});
    if (why.status == 503) append(out, R"(,"estimated_time":20.0)");
    out.append("}");
  }

  /// Why and after how much the text ended.
  static void append_end(const answer& said, std::string& out) {
    append(out, R"("finish_reason":")", said.finish == "length" ? "length" : "eos_token",
           R"(","generated_tokens":)", said.completion_tokens, R"(,"input_length":)",
           said.prompt_tokens, R"(,"seed":null)");
  }

  static void write_last(const answer& said, std::string& out) {
    append(out, quoted{said.text}, R"(,"details":{)");
    append_end(said, out);
    out.append("}}");
  }

  void write_headers(std::string_view request_id, const allowances&,
                     std::string& out) const override {
    append(out, "x-request-id: ", request_id, "\r\n");
  }
};

}  // namespace

const wire& huggingface_wire() {
  static const huggingface the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
