#include "process_view.hpp"

#include <cstdio>
#include <future>
#include <memory>

#include <graphbit/net/http_client.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit::app {

namespace {

constexpr milliseconds patience{3'000};

class one_answer final : public http_handler {
 public:
  void on_done(expected<http_response> result) override { answer_.set_value(std::move(result)); }
  [[nodiscard]] expected<http_response> wait() { return answer_.get_future().get(); }

 private:
  std::promise<expected<http_response>> answer_;
};

/// "HOST:PORT" or a page's URL, as the URL of its data; the token stays in the query.
expected<url> data_url(std::string address) {
  if (address.find("://") == std::string::npos) address.insert(0, "http://");
  auto at = parse_url(address);
  if (!at) return at;
  const auto query = at->target.find('?');
  at->target = "/api/state" + (query == std::string::npos ? "" : at->target.substr(query));
  return at;
}

expected<http_response> get(runtime& rt, url at) {
  auto& home = rt.reactor_at(0);
  one_answer answer;
  std::unique_ptr<http_client> client;  // lives on its reactor
  home.post([&] {
    client = std::make_unique<http_client>(home, at.at, http_client_options{.proxy = ""});
    http_request request{.method = "GET"};
    request.target = std::make_shared<const std::string>(at.target);
    request.headers = std::make_shared<const std::string>();
    client->start(std::move(request),
                  {.connect = patience, .total_at = steady_clock::now() + patience}, answer);
  });
  auto result = answer.wait();
  std::promise<void> gone;
  home.post([&] {
    client.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  return result;
}

std::string text_of(const json_value& of, const char* name) { return of.string_or(name, "-"); }

double number_of(const json_value& of, const char* name) {
  const auto* found = of.find(name);
  return found != nullptr && found->is_number() ? found->as_double() : 0;
}

const json_value::array& list_of(const json_value& of, const char* name) {
  static const json_value::array none;
  const auto* found = of.find(name);
  return found != nullptr && found->is_array() ? found->as_array() : none;
}

template <class... Ts>
void append_line(std::string& out, const char* format, Ts... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  out.append(line).append("\n");
}

void append_providers(std::string& out, const json_value& state) {
  append_line(out, "%-12s %-26s %-9s %8s %7s %7s %6s %9s %9s %9s %10s", "provider", "model",
              "breaker", "flight", "calls", "failed", "retry", "p50 ms", "p95 ms", "p99 ms",
              "cost $");
  for (const auto& p : list_of(state, "providers"))
    append_line(
        out, "%-12.12s %-26.26s %-9s %4.0f/%-3.0f %7.0f %7.0f %6.0f %9.1f %9.1f %9.1f %10.4f",
        text_of(p, "provider").c_str(), text_of(p, "model").c_str(), text_of(p, "breaker").c_str(),
        number_of(p, "in_flight"), number_of(p, "in_flight_max"), number_of(p, "calls"),
        number_of(p, "failed"), number_of(p, "retries"), number_of(p, "p50_ms"),
        number_of(p, "p95_ms"), number_of(p, "p99_ms"), number_of(p, "cost"));
}

void append_runs(std::string& out, const json_value& state) {
  const auto* runs = state.find("runs");
  if (runs == nullptr || list_of(*runs, "shown").empty()) return;
  append_line(out, "\n%-24s %-10s %6s %6s  %s", "run of", "state", "nodes", "ended", "at work");
  for (const auto& run : list_of(*runs, "shown")) {
    double ended = 0;
    std::string at_work;
    for (const auto& node : list_of(run, "nodes")) {
      const auto how = text_of(node, "state");
      if (how == "running")
        at_work.append(at_work.empty() ? "" : ", ").append(text_of(node, "name"));
      if (how != "running" && how != "pending") ++ended;
    }
    append_line(out, "%-24.24s %-10s %6.0f %6.0f  %.120s", text_of(run, "workflow").c_str(),
                text_of(run, "state").c_str(), number_of(run, "node_count"), ended,
                at_work.c_str());
  }
}

void append_actors(std::string& out, const json_value& actor, int depth) {
  const auto* waiting = actor.find("mailbox");
  append_line(out, "%*s%s %.60s  %s, %.0f restarts, %s waiting", 2 * depth, "",
              text_of(actor, "kind").c_str(), text_of(actor, "name").c_str(),
              text_of(actor, "state").c_str(), number_of(actor, "restarts"),
              waiting != nullptr && waiting->is_number()
                  ? std::to_string(static_cast<long long>(waiting->as_double())).c_str()
                  : "?");
  for (const auto& child : list_of(actor, "children")) append_actors(out, child, depth + 1);
}

}  // namespace

expected<json_value> process_state(runtime& rt, const std::string& address) {
  auto at = data_url(address);
  if (!at) return fail(std::move(at.error()));
  const std::string place = at->at.authority();
  const auto answer = get(rt, std::move(*at));
  if (!answer) return fail(answer.error());
  if (answer->status == 401 || answer->status == 403)
    return fail(authentication_error(
        "token", "the page at " + place + " wants its token: graphbit top 'http://" + place +
                     "/?token=...', as the process told when it started"));
  if (answer->status != 200)
    return fail(configuration_error("address", "there is no live page at " + place + " (HTTP " +
                                                   std::to_string(answer->status) +
                                                   "): start the process with --dashboard"));
  return parse_json(answer->body);
}

std::string process_table(const json_value& state) {
  std::string out;
  const auto* runs = state.find("runs");
  append_line(out, "up %.0f s, %.0f runs under way\n", number_of(state, "uptime_s"),
              runs == nullptr ? 0.0 : number_of(*runs, "active"));
  append_providers(out, state);
  append_runs(out, state);
  if (const auto* tree = state.find("tree")) {
    out += '\n';
    append_actors(out, *tree, 0);
  }
  return out;
}

}  // namespace graphbit::app
