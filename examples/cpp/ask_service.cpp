// An HTTP service on Beast: `POST /ask` with {"question": "..."} runs a workflow of two steps and
// answers with JSON; with "stream": true its tokens come as server-sent events.
//
// The service's own loop serves the connections; workflows run on the runtime's reactors and come
// back to the loop. Who goes away in the middle of a stream has the run cancelled.
#include <csignal>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>

#include <graphbit/actors/asio.hpp>
#include <graphbit/runtime/json_value.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace graphbit;

constexpr std::size_t question_bytes_max = 1024 * 1024;
constexpr auto run_time_max = seconds{60};
constexpr std::uint32_t calls_at_once_max = 4096;      // a stream is one for as long as it lasts
constexpr std::size_t events_bytes_max = 1024 * 1024;  // of one slow reader, then its run ends

struct service {
  asio::io_context loop{1};
  executor flows;
  workflow flow;
};

// `question` is an input of the run, so one workflow serves all.
workflow make_flow(bool two_steps) {
  workflow flow("ask");
  flow.add_node(node::agent("answer", {.prompt = "Answer shortly: {question}"}).value()).value();
  if (!two_steps) return flow;
  flow.add_node(node::agent("check", {.prompt = "Correct this answer."}).value()).value();
  if (!flow.connect("answer", "check")) throw std::runtime_error("the steps do not connect");
  return flow;
}

using response = http::response<http::string_body>;

response reply(const http::request<http::string_body>& to, http::status status, std::string body) {
  response r{status, to.version()};
  r.set(http::field::content_type, "application/json");
  r.keep_alive(to.keep_alive());
  r.body() = std::move(body);
  r.prepare_payload();
  return r;
}

std::string error_body(const error& e) {
  json_value body;
  body.set("error", describe(e));
  body.set("kind", to_string(e.kind));
  return to_json(body);
}

http::status status_of(const error& e) {
  switch (e.kind) {
    case error_kind::validation:
      return http::status::bad_request;
    case error_kind::rate_limit:
    case error_kind::resource_exhausted:
      return http::status::too_many_requests;
    case error_kind::timeout:
      return http::status::gateway_timeout;
    default:
      return http::status::bad_gateway;
  }
}

// The events of one stream, between the reactor that makes them and the loop that writes them: one
// wake-up for all that came meanwhile.
class event_queue {
 public:
  explicit event_queue(asio::io_context& loop)
      : loop_(loop), changed_(loop, steady_clock::time_point::max()) {}

  // Any thread. False: the reader is too slow.
  bool add(std::string_view kind, const json_value& data, bool last = false) {
    const std::lock_guard guard(mutex_);
    pending_.append("event: ").append(kind).append("\ndata: ").append(to_json(data)).append("\n\n");
    last_ = last_ || last;
    if (std::exchange(woken_, true)) return pending_.size() < events_bytes_max;
    asio::post(loop_, [this, alive = keep_alive_.lock()] { changed_.cancel(); });
    return true;
  }
  // On the loop: all that came since; empty once at the end.
  asio::awaitable<std::string> take() {
    for (;;) {
      {
        const std::lock_guard guard(mutex_);
        woken_ = false;
        if (!pending_.empty() || last_) co_return std::exchange(pending_, {});
      }
      boost::system::error_code woken;
      co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
  }
  void keep_alive_by(const std::shared_ptr<event_queue>& self) { keep_alive_ = self; }

 private:
  asio::io_context& loop_;
  asio::steady_timer changed_;
  std::weak_ptr<event_queue> keep_alive_;
  std::mutex mutex_;
  std::string pending_;
  bool last_ = false;
  bool woken_ = false;
};

asio::awaitable<void> stream(tcp::socket& socket, service& s, run_options options) {
  const auto events = std::make_shared<event_queue>(s.loop);
  events->keep_alive_by(events);
  std::stop_source stop;
  options.stop = stop.get_token();
  options.stream_tokens = true;
  options.on_event = [events, stop](const run_event& event) mutable {
    if (event.kind != run_event_kind::token) return;
    json_value data;
    data.set("node", event.node_name);
    data.set("text", event.text);
    if (!events->add("token", data)) stop.request_stop();
  };
  const auto accepted = s.flows.run(s.flow, std::move(options), [events](const run_result& r) {
    json_value data;
    data.set("state", r.state_text());
    events->add("done", data, true);
  });
  if (!accepted) events->add("done", error_body(accepted.error()), true);

  constexpr std::string_view head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      "Connection: close\r\n\r\n";
  boost::system::error_code gone;
  const auto write = [&](std::string_view text) {
    return asio::async_write(socket, asio::buffer(text),
                             asio::redirect_error(asio::use_awaitable, gone));
  };
  co_await write(head);
  while (!gone) {
    const auto text = co_await events->take();
    if (text.empty()) break;
    co_await write(text);
  }
  if (gone) stop.request_stop();
  socket.shutdown(tcp::socket::shutdown_send, gone);
}

asio::awaitable<response> answer_ask(service& s, const http::request<http::string_body>& request,
                                     run_options options) {
  const auto result =
      co_await async_execute(s.flows, s.flow, std::move(options), asio::use_awaitable);
  if (!result) co_return reply(request, status_of(result.error()), error_body(result.error()));
  if (!result->is_success())
    co_return reply(request, http::status::bad_gateway,
                    error_body(core_error(result->state_text())));
  json_value body;
  body.set("answer", result->output_of(s.flow.nodes().back()->name).value_or(""));
  co_return reply(request, http::status::ok, to_json(body));
}

asio::awaitable<void> converse(tcp::socket socket, service& s) {
  boost::beast::flat_buffer buffer;
  for (bool open = true; open;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(question_bytes_max);
    boost::system::error_code ended;
    co_await http::async_read(socket, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return;
    const auto& request = parser.get();
    const auto asked = parse_json(request.body());
    response r;
    if (request.target() != "/ask" || request.method() != http::verb::post) {
      r = reply(request, http::status::not_found, R"({"error":"there is only POST /ask"})");
    } else if (!asked || asked->string_or("question").empty()) {
      r = reply(request, http::status::bad_request,
                R"({"error":"send {\"question\": \"...\"}, and \"stream\": true for events"})");
    } else {
      run_options options;
      options.inputs.set("question", asked->string_or("question"));
      options.deadline_at = steady_clock::now() + run_time_max;
      const auto* wants = asked->find("stream");
      if (wants != nullptr && wants->is_bool() && wants->as_bool())
        co_return co_await stream(socket, s, std::move(options));
      r = co_await answer_ask(s, request, std::move(options));
    }
    open = r.keep_alive();
    co_await http::async_write(socket, r, asio::redirect_error(asio::use_awaitable, ended));
    if (ended) co_return;
  }
}

asio::awaitable<void> serve(tcp::acceptor acceptor, service& s) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(s.loop, converse(std::move(socket), s), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: ask_service BASE_URL PORT [one-step]\n");
    return 2;
  }
  provider_config config;
  config.provider = "openai_compatible";
  config.base_url = argv[1];
  config.model = "gpt-4o-mini";

  // The service outlives the runtime, whose end answers whoever still waits.
  service s;
  runtime rt;
  s.flows =
      executor::open(rt, config,
                     {.mode = execution_mode::high_throughput, .max_in_flight = calls_at_once_max})
          .value();
  s.flow = make_flow(argc == 3);

  tcp::acceptor acceptor(s.loop, {asio::ip::make_address("127.0.0.1"),
                                  static_cast<unsigned short>(std::stoi(argv[2]))});
  std::printf("http://127.0.0.1:%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(s.loop, serve(std::move(acceptor), s), asio::detached);
  asio::signal_set signals(s.loop, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code&, int) { s.loop.stop(); });
  s.loop.run();
  return 0;
} catch (const tl::bad_expected_access<graphbit::error>& e) {
  std::fprintf(stderr, "ask_service: %s\n", describe(e.error()).c_str());
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "ask_service: %s\n", e.what());
  return 1;
}
