#include <graphbit/actors/status_server.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include <graphbit/actors/health.hpp>
#include <graphbit/actors/live_state.hpp>
#include <graphbit/actors/timeline.hpp>
#include <graphbit/net/http_server.hpp>
#include <graphbit/net/listen_address.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/native_thread.hpp>
#include <graphbit/runtime/random.hpp>

#include "src/dashboard_page.hpp"

namespace graphbit {

namespace {

constexpr milliseconds look_every{250};
constexpr seconds ping_every{15};
constexpr std::size_t tasks_max = 64, listeners_max = 64;
constexpr std::string_view json_type = "application/json; charset=utf-8";
constexpr std::string_view private_headers =
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
constexpr std::string_view page_headers =
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'\r\n";

/// Takes the same time wherever two texts differ.
bool equal_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

/// The value of `name=value` in text whose entries are parted by `separator`.
std::string_view value_in(std::string_view text, std::string_view name, char separator) {
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    auto entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  }
  return {};
}

/// The host of a Host or Origin header, without scheme and port.
std::string_view host_of(std::string_view text) {
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
  return text.substr(0, text.find(':'));
}

}  // namespace

class status_server::impl {
 public:
  impl(runtime& rt, status_server_options options, http_server_options server)
      : rt_(rt),
        options_(std::move(options)),
        loopback_(is_loopback(server.host)),
        server_(std::move(server), [this](const http_exchange& e) { answer(e); }) {
    if (!options_.dashboard) return;
    if (options_.token.empty() && !loopback_) options_.token = make_uuid();
    live_ = rt.service<live_state>();
    live_->follow_runs();
  }

  ~impl() {
    server_.call([this] {
      for (const auto& l : listeners_) l.exchange.end();
      listeners_.clear();
    });
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    worker_.join();
    server_.call([this] { tasks_.clear(); });
    server_.stop();
  }

  expected<void> start() {
    if (auto started = server_.start(); !started) return started;
    worker_.start(rt_.options().thread_name_prefix + "-stat", 1024 * 1024, [this] { work(); });
    return {};
  }

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::string dashboard_url() const {
    return server_.url() + "/" + (options_.token.empty() ? "" : "?token=" + options_.token);
  }

 private:
  struct listener {
    http_exchange exchange;
    std::shared_ptr<bool> busy = std::make_shared<bool>(false);  // what was written is under way
    bool greeted = false;
  };
  struct reply {
    int status = 200;
    std::string_view type = json_type;
    std::string body;
  };

  // --- on the server's thread ---

  void answer(const http_exchange& e) {
    const auto& request = e.request();
    const auto path = request.path();
    if (request.method() == "POST" && path == "/api/runs") return start_run(e);
    if (request.method() != "GET" && request.method() != "HEAD")
      return e.respond(405, "text/plain", "only GET\n");
    if (path == "/metrics")
      return later(e, [this] {
        return reply{200, "text/plain; version=0.0.4; charset=utf-8",
                     rt_.service<metrics_registry>()->text()};
      });
    if (path == "/healthz" || path == "/readyz")
      return later(e, [this, ready = path == "/readyz"] { return health(ready); });
    if (options_.dashboard) return answer_dashboard(e, path);
    e.respond(404, "text/plain", "there are /metrics, /healthz and /readyz\n");
  }

  void answer_dashboard(const http_exchange& e, std::string_view path) {
    if (!allowed(e.request())) return refuse(e);
    if (path == "/") return show_page(e);
    if (path == "/api/events") return listen(e);
    if (path == "/api/state")
      return later(e, [this] { return reply{200, json_type, to_json(live_->snapshot())}; });
    constexpr std::string_view runs = "/api/runs/";
    const auto last = path.rfind('/');
    if (path.starts_with(runs) && last > runs.size())
      return show_run(e, std::string(path.substr(runs.size(), last - runs.size())),
                      path.substr(last + 1));
    e.respond(404, "text/plain", "no such page\n");
  }

  [[nodiscard]] bool allowed(const http_server_request& request) const {
    if (options_.token.empty()) return is_loopback(host_of(request.header("host")));
    constexpr std::string_view bearer = "Bearer ";
    const auto header = request.header("authorization");
    return (header.starts_with(bearer) &&
            equal_secret(header.substr(bearer.size()), options_.token)) ||
           equal_secret(value_in(request.query(), "token", '&'), options_.token) ||
           equal_secret(value_in(request.header("cookie"), "graphbit_token", ';'), options_.token);
  }

  void refuse(const http_exchange& e) const {
    if (options_.token.empty())
      return e.respond(403, "text/plain", "ask for this page as localhost\n");
    e.respond(401, "text/plain", "this page needs its token: .../?token=...\n",
              "WWW-Authenticate: Bearer\r\n");
  }

  void show_page(const http_exchange& e) const {
    std::string headers(page_headers);
    if (!options_.token.empty())
      headers += "Set-Cookie: graphbit_token=" + options_.token +
                 "; HttpOnly; SameSite=Strict; Path=/\r\n";
    std::string page(dashboard_page());
    if (options_.start_run)
      if (const auto at = page.find("data-start=\"no\""); at != std::string::npos)
        page.replace(at, 15, "data-start=\"yes\"");
    e.respond(200, "text/html; charset=utf-8", page, headers);
  }

  void show_run(const http_exchange& e, const std::string& id, std::string_view what) {
    const bool trace = what == "trace.json";
    if (!trace && what != "timeline.svg") return e.respond(404, "text/plain", "no such page\n");
    later(e, [this, id, trace] {
      const auto result = live_->result_of(id);
      if (!result)
        return reply{404, "text/plain", "this run has not ended, or is not remembered any more\n"};
      return trace ? reply{200, json_type, timeline_trace(*result)}
                   : reply{200, "image/svg+xml", timeline_svg(*result)};
    });
  }

  // A page of another origin can post, but neither JSON nor without saying where it comes from.
  void start_run(const http_exchange& e) {
    const auto& request = e.request();
    if (!options_.dashboard || !options_.start_run)
      return e.respond(404, "text/plain", "no workflow to start\n");
    const auto origin = request.header("origin");
    const bool same = origin.empty() || host_of(origin) == host_of(request.header("host"));
    if (!allowed(request) || !same) return refuse(e);
    if (!request.header("content-type").starts_with("application/json"))
      return e.respond(415, "text/plain", "send JSON\n");
    const auto caller = trace_context::from_traceparent(request.header("traceparent"));
    later(e, [this, body = request.body(), caller = caller.value_or(trace_context{})] {
      return started_run(body, caller);
    });
  }

  void listen(const http_exchange& e) {
    std::erase_if(listeners_, [](const listener& l) { return !l.exchange.alive(); });
    if (listeners_.size() >= listeners_max)
      return e.respond(503, "text/plain", "too many pages look at this process\n");
    e.begin(200, "text/event-stream", private_headers);
    listeners_.push_back({e});
    const std::lock_guard guard(mutex_);
    watched_ = true;
    fresh_ = true;
    changed_.notify_all();
  }

  void tell_all(const std::shared_ptr<const std::string>& event, bool changed) {
    std::erase_if(listeners_, [](const listener& l) { return !l.exchange.alive(); });
    for (auto& l : listeners_) {
      if (*l.busy || (l.greeted && !changed)) continue;  // a slow reader gets the next picture
      l.greeted = true;
      *l.busy = true;
      l.exchange.write(*event);
      l.exchange.drained([busy = l.busy] { *busy = false; });
    }
    const std::lock_guard guard(mutex_);
    watched_ = !listeners_.empty();
  }

  /// Has `f` called on the worker, and its reply sent from here.
  void later(const http_exchange& e, std::function<reply()> f) {
    {
      const std::lock_guard guard(mutex_);
      if (tasks_.size() < tasks_max) {
        // The exchange is let go of on the server's thread, where it lives.
        tasks_.push_back([this, exchange = e, f = std::move(f)]() mutable {
          auto made = std::make_shared<const reply>(f());
          server_.post([exchange = std::move(exchange), made] {
            exchange.respond(made->status, made->type, made->body, private_headers);
          });
        });
        changed_.notify_all();
        return;
      }
    }
    e.respond(503, "text/plain", "too many requests at once\n");
  }

  // --- on the worker ---

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (!tasks_.empty()) {
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
      } else if (watched_ && (fresh_ || steady_clock::now() >= next_look_)) {
        fresh_ = false;
        lock.unlock();
        look();
        lock.lock();
        next_look_ = steady_clock::now() + look_every;
      } else if (watched_) {
        changed_.wait_until(lock, next_look_);
      } else {
        changed_.wait(lock);
      }
    }
  }

  void look() {
    auto picture = live_->snapshot();
    const auto now = steady_clock::now();
    auto quiet = picture;  // what changes by itself is no news
    quiet.set("time_ms", nullptr);
    quiet.set("uptime_s", nullptr);
    auto text = to_json(quiet);
    const bool changed = text != last_picture_ || now >= next_ping_;
    if (changed) next_ping_ = now + ping_every;
    last_picture_ = std::move(text);
    auto event = std::make_shared<const std::string>("data: " + to_json(picture) + "\n\n");
    server_.post([this, event = std::move(event), changed] { tell_all(event, changed); });
  }

  [[nodiscard]] reply health(bool ready) {
    auto report = check_health(rt_);
    if (options_.own_check) report.checks.push_back(options_.own_check());
    return {(ready ? report.ready() : report.healthy()) ? 200 : 503, json_type,
            to_json(to_json(report)) + "\n"};
  }

  [[nodiscard]] reply started_run(const std::string& body, const trace_context& caller) {
    auto inputs = parse_json(body.empty() ? "{}" : body);
    if (!inputs) return {400, "text/plain", inputs.error().message};
    const auto id = options_.start_run(std::move(*inputs), caller);
    if (!id) return {400, "text/plain", describe(id.error())};
    json_value out;
    out.set("id", *id);
    return {202, json_type, to_json(out)};
  }

  runtime& rt_;
  status_server_options options_;
  const bool loopback_;
  std::shared_ptr<live_state> live_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_, as these
  bool watched_ = false, fresh_ = false, stopping_ = false;

  time_point next_look_{}, next_ping_{};  // only on the worker, as the picture
  std::string last_picture_;
  native_thread worker_;

  std::list<listener> listeners_;  // only on the server's thread
  http_server server_;
};

status_server::status_server(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
status_server::~status_server() = default;

expected<std::unique_ptr<status_server>> status_server::start(runtime& rt,
                                                              status_server_options options) {
  http_server_options server{.allow_public = true, .thread_name = "graphbit-status"};
  if (auto set = set_listen_address(server, options.listen); !set) return fail(set.error());
  auto made = std::make_unique<impl>(rt, std::move(options), std::move(server));
  if (auto started = made->start(); !started) return fail(started.error());
  return std::make_unique<status_server>(std::move(made));
}

std::string status_server::url() const { return impl_->url(); }
std::string status_server::dashboard_url() const { return impl_->dashboard_url(); }

}  // namespace graphbit
