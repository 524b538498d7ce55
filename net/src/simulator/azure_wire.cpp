// Azure OpenAI: OpenAI's chat completions under deployments, with its own key header, error bodies
// and content filter results. From Microsoft's REST reference (chat completions) and checked with
// the official `openai` client's AzureOpenAI.
#include "json_writing.hpp"
#include "openai_wire.hpp"

namespace graphbit::sim {

namespace {

constexpr std::string_view filtered_nothing =
    R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},)"
    R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}})";

/// The name after "/deployments/".
std::string_view deployment_of(std::string_view path) {
  constexpr std::string_view mark = "/deployments/";
  const auto begin = path.find(mark) + mark.size();
  return path.substr(begin, path.find('/', begin) - begin);
}

std::string_view code_of(const refusal& why) {
  switch (why.status) {
    case 401:
      return "401";
    case 404:
      return "DeploymentNotFound";
    case 429:
      return "429";
    case 500:
      return "InternalServerError";
    case 503:
      return "ServiceUnavailable";
    default:
      return "BadRequest";
  }
}

class azure final : public openai {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    if (request.query().find("api-version=") == std::string_view::npos) {
      refusal why;
      why.status = 404;
      why.code = "404";
      why.message = "Resource not found";
      return why;
    }
    out.model = deployment_of(request.path());
    return openai::read_chat(request, body, out);
  }

  void write_stream(const question& asked, const answer& said, frames& out) const override {
    // The first chunk has no choices at all: it tells what the filter thinks of the prompt.
    append(out.bytes, R"(data: {"choices":[],"created":0,"id":"","model":"","object":"")",
           answer_extra(), "}\n\n");
    out.end_frame();
    openai::write_stream(asked, said, out);
  }

  std::string_view key(const http_server_request& request) const override {
    const auto header = request.header("api-key");
    return header.empty() ? bearer_key(request) : header;
  }

  void write_refusal(const refusal& why, std::string& out) const override {
    const bool usual = why.code.empty() || why.code == "invalid_api_key";
    const std::string_view code = usual ? code_of(why) : std::string_view(why.code);
    append(out, R"({"error":{"code":)", quoted{code}, R"(,"message":)", quoted{why.message});
    if (why.status == 400)
      append(out, R"(,"type":)", quoted_or_null{why.type}, R"(,"param":)",
             quoted_or_null{why.param});
    out.append("}}");
  }

  void write_headers(std::string_view request_id, const allowances& left,
                     std::string& out) const override {
    append(out, "apim-request-id: ", request_id, "\r\nx-ms-region: Simulated\r\n");
    openai::write_headers(request_id, left, out);
  }

 protected:
  std::string_view choice_extra() const override {
    static const auto text = R"(,"content_filter_results":)" + std::string(filtered_nothing);
    return text;
  }
  std::string_view answer_extra() const override {
    static const auto text =
        R"(,"prompt_filter_results":[{"prompt_index":0,"content_filter_results":)" +
        std::string(filtered_nothing) + "}]";
    return text;
  }
};

}  // namespace

const wire& azure_wire() {
  static const azure the_wire;
  return the_wire;
}

}  // namespace graphbit::sim
