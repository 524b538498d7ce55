// Replicate: a prediction is created, asked for until it is ready, streamed or cancelled. From
// Replicate's HTTP API reference.
#include <algorithm>
#include <charconv>
#include <chrono>

#include "compose.hpp"
#include "endpoints.hpp"
#include "json_access.hpp"
#include "json_writing.hpp"
#include "reply_text.hpp"
#include "schema_sample.hpp"

namespace graphbit::sim {

namespace {

class replicate final : public wire {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override {
    const auto path = request.path();
    constexpr std::string_view mark = "/models/";
    if (const auto at = path.find(mark); at != std::string_view::npos)
      out.model = path.substr(at + mark.size(), path.rfind('/') - at - mark.size());
    if (out.model.empty()) out.model = text_member(body, "model");
    if (out.model.empty()) out.model = text_member(body, "version");
    const auto* input = member(body, "input");
    if (out.model.empty() || !input || !input->IsObject()) {
      refusal why;
      why.status = 422;
      why.message = out.model.empty() ? "version is required" : "input is required";
      return why;
    }
    for (const auto* name : {"system_prompt", "prompt"})
      add_prompt_text(out, text_member(*input, name));
    out.last_text = text_member(*input, "prompt");
    out.last_role = "user";
    for (const auto* name : {"max_tokens", "max_new_tokens", "max_completion_tokens"})
      out.max_tokens = size_member(*input, name, out.max_tokens);
    return std::nullopt;
  }
  void write_chat(const question&, const answer&, std::string&) const override {}
  void write_stream(const question&, const answer&, frames&) const override {}

  std::string_view key(const http_server_request& request) const override {
    constexpr std::string_view scheme = "Token ";
    const auto header = request.header("authorization");
    return header.starts_with(scheme) ? header.substr(scheme.size()) : bearer_key(request);
  }
  void write_refusal(const refusal& why, std::string& out) const override {
    append(out, R"({"title":)", quoted{http_status_text(why.status)}, R"(,"detail":)",
           quoted{why.message}, R"(,"status":)", why.status, "}");
  }
  void write_headers(std::string_view request_id, const allowances& left,
                     std::string& out) const override {
    append(out, "x-request-id: ", request_id, "\r\n");
    if (left.requests.limit() > 0)
      append(out, "ratelimit-remaining: ", static_cast<std::uint64_t>(left.requests.left(left.now)),
             "\r\nratelimit-reset: ",
             static_cast<std::uint64_t>(left.requests.full_in_s(left.now) + 1), "\r\n");
  }
};

std::string_view status_of(const prediction& p) {
  if (p.canceled) return "canceled";
  if (steady_clock::now() < p.ready_at) return "processing";
  return p.error.empty() ? "succeeded" : "failed";
}

/// A job that is under way shows the output so far.
std::size_t pieces_ready(const prediction& p, std::string_view status) {
  if (status == "succeeded") return p.output.size();
  if (status != "processing") return 0;
  const auto share = std::chrono::duration<double>(steady_clock::now() - p.made_at) /
                     std::chrono::duration<double>(p.ready_at - p.made_at);
  return static_cast<std::size_t>(std::min(share, 1.0) * static_cast<double>(p.output.size()));
}

/// How long "Prefer: wait=N" keeps the answer open: up to a minute when it gives no number.
double wait_ms(std::string_view prefer) {
  constexpr std::string_view mark = "wait=";
  if (!prefer.starts_with("wait")) return 0;
  unsigned seconds_max = 60;
  if (prefer.starts_with(mark))
    std::from_chars(prefer.data() + mark.size(), prefer.data() + prefer.size(), seconds_max);
  return 1000.0 * std::min(seconds_max, 60U);
}

/// "http://HOST/BASE/predictions/ID", from the request's own host and path.
std::string url_of(const http_server_request& request, const prediction& p) {
  const auto path = request.path();
  auto base = path.substr(0, std::min(path.find("/models/"), path.find("/predictions")));
  return "http://" + std::string(request.header("host")) + std::string(base) + "/predictions/" +
         p.id;
}

void append_prediction(const scene& s, const prediction& p, std::string_view status,
                       std::string& out) {
  const auto url = url_of(s.request, p);
  append(out, R"({"id":")", p.id, R"(","model":)", quoted{p.model}, R"(,"version":)",
         quoted{p.version}, R"(,"input":)", p.input, R"(,"logs":"","error":)",
         quoted_or_null{p.error}, R"(,"output":)");
  if (const auto pieces = pieces_ready(p, status); pieces > 0 || status == "succeeded") {
    out += '[';
    for (std::size_t i = 0; i < pieces; ++i) append(out, i > 0 ? "," : "", quoted{p.output[i]});
    out += ']';
  } else {
    out.append("null");
  }
  append(out, R"(,"data_removed":false,"status":")", status,
         R"(","created_at":"2024-05-17T09:30:00.000Z","urls":{"get":)", quoted{url},
         R"(,"cancel":)", quoted{url + "/cancel"}, R"(,"stream":)", quoted{url + "/stream"}, "}");
  if (status == "succeeded")
    append(out,
           R"(,"completed_at":"2024-05-17T09:30:01.000Z","metrics":{"predict_time":0.1,)"
           R"("input_token_count":)",
           p.prompt_tokens, R"(,"output_token_count":)", p.completion_tokens, "}");
  out.append("}");
}

prediction* find_job(scene& s) {
  const auto path = s.request.path();
  constexpr std::string_view mark = "/predictions/";
  const auto rest = path.substr(path.find(mark) + mark.size());
  return s.jobs.find(rest.substr(0, rest.find('/')));
}

outcome show(const scene& s, const prediction& p, int status, std::string_view as) {
  reply r;
  r.status = status;
  r.latency_ms = 0;  // the time passes between the requests
  append_prediction(s, p, as, r.body.bytes);
  return r;
}

}  // namespace

const wire& replicate_wire() {
  static const replicate the_wire;
  return the_wire;
}

outcome replicate_create(scene& s) {
  question asked;
  if (auto why = s.family.read_chat(s.request, s.body, asked))
    return tl::unexpected(std::move(*why));
  s.prompt_hash = asked.prompt_hash;
  if (!model_exists(s.how, asked.model))
    return refuse(404, "The requested resource could not be found.");
  const auto* rule = s.rules.find(asked);
  prediction made;
  if (rule) {
    auto end = scripted_end(*rule);
    if (end && rule->status != 200) return std::move(*end);
    if (end) made.error = rule->error_message;
  }
  const auto said =
      compose(asked, rule && (rule->text || rule->json) ? rule : nullptr, s.how, s.id);
  made.id = s.id;
  made.model = asked.model;
  made.version = "simulated";
  append_json(*member(s.body, "input"), made.input);
  for (const auto piece : split_text(said.text, s.how.chunk_count)) made.output.emplace_back(piece);
  made.prompt_tokens = said.prompt_tokens;
  made.completion_tokens = said.completion_tokens;
  const double waits_ms = wait_ms(s.request.header("prefer"));
  const bool whole = waits_ms > 0 && s.how.latency_ms <= waits_ms;
  const auto latency = std::chrono::duration<double, std::milli>(s.how.latency_ms);
  made.made_at = steady_clock::now();
  made.ready_at = made.made_at + std::chrono::duration_cast<duration>(latency);
  const auto& job = s.jobs.add(std::move(made));
  auto result = show(s, job, 201, !whole ? "starting" : job.error.empty() ? "succeeded" : "failed");
  if (waits_ms > 0) result->latency_ms = whole ? -1 : waits_ms;
  result->tokens = said.prompt_tokens + said.completion_tokens;
  return result;
}

outcome replicate_get(scene& s) {
  const auto* job = find_job(s);
  if (!job) return refuse(404, "The requested resource could not be found.");
  return show(s, *job, 200, status_of(*job));
}

outcome replicate_cancel(scene& s) {
  auto* job = find_job(s);
  if (!job) return refuse(404, "The requested resource could not be found.");
  if (status_of(*job) == "processing") job->canceled = true;
  return show(s, *job, 200, status_of(*job));
}

outcome replicate_stream(scene& s) {
  const auto* job = find_job(s);
  if (!job) return refuse(404, "The requested resource could not be found.");
  reply r;
  r.content_type = "text/event-stream";
  for (std::size_t i = 0; i < job->output.size(); ++i) {
    append(r.body.bytes, "event: output\nid: ", i + 1, "\n");
    std::string_view rest = job->output[i];
    for (bool more = true; more;) {
      const auto end = rest.find('\n');
      append(r.body.bytes, "data: ", rest.substr(0, end), "\n");
      more = end != std::string_view::npos;
      if (more) rest.remove_prefix(end + 1);
    }
    r.body.bytes.append("\n");
    r.body.end_frame();
  }
  append_event(r.body, "done", "{}");
  return r;
}

}  // namespace graphbit::sim
