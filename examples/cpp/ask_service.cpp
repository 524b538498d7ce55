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

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "failure.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using namespace graphbit;

// All of this service runs on one loop. Saying so in the types spares Asio what its executors that
// may be anything cost: a fifth of what serving a request takes.
using loop_executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<tcp, loop_executor>;
using tcp_acceptor = asio::basic_socket_acceptor<tcp, loop_executor>;
using timer =
    asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, loop_executor>;
template <class T>
using awaitable = asio::awaitable<T, loop_executor>;
constexpr asio::use_awaitable_t<loop_executor> use_awaitable;

constexpr std::size_t question_bytes_max = 1024 * 1024;
constexpr std::size_t received_bytes_max = 16 * 1024;  // at once
constexpr auto run_time_max = seconds{60};
constexpr auto accept_pause = milliseconds{100};
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

std::string reply(http::status status, std::string_view body, bool keep_open) {
  std::string text = "HTTP/1.1 " + std::to_string(static_cast<int>(status)) + " ";
  text += http::obsolete_reason(status).to_string();
  text += "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
  text += keep_open ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  return text += body;
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
  awaitable<std::string> take() {
    for (;;) {
      {
        const std::lock_guard guard(mutex_);
        woken_ = false;
        if (!pending_.empty() || last_) co_return std::exchange(pending_, {});
      }
      error_code woken;
      co_await changed_.async_wait(asio::redirect_error(use_awaitable, woken));
    }
  }
  void keep_alive_by(const std::shared_ptr<event_queue>& self) { keep_alive_ = self; }

 private:
  asio::io_context& loop_;
  timer changed_;
  std::weak_ptr<event_queue> keep_alive_;
  std::mutex mutex_;
  std::string pending_;
  bool last_ = false;
  bool woken_ = false;
};

// One request, from what one receive brings: Beast's parser without its `async_read`, which would
// suspend and resume several times.
awaitable<error_code> read(tcp_socket& socket, boost::beast::flat_buffer& received,
                           http::request_parser<http::string_body>& parser) {
  parser.eager(true);
  parser.body_limit(question_bytes_max);
  error_code failed;
  for (;;) {
    if (received.size() > 0) received.consume(parser.put(received.data(), failed));
    if (parser.is_done()) co_return error_code{};
    if (failed && failed != http::error::need_more) co_return failed;
    received.commit(co_await socket.async_read_some(received.prepare(received_bytes_max),
                                                    asio::redirect_error(use_awaitable, failed)));
    if (failed) co_return failed;
  }
}

// The last answer to who sent what is no request; nothing to who has gone.
std::string refusal(error_code failed) {
  if (failed == http::error::body_limit)
    return reply(http::status::payload_too_large, R"({"error":"a question has at most 1 MiB"})",
                 false);
  if (failed.category() == error_code(http::error::body_limit).category())
    return reply(http::status::bad_request, R"({"error":"this is no HTTP request"})", false);
  return {};
}

// Most of what there is to say goes out at once, without a way through the loop. False: the client
// has gone.
awaitable<bool> write(tcp_socket& socket, std::string_view text) {
  error_code failed;
  text.remove_prefix(socket.write_some(asio::buffer(text), failed));
  if (failed == asio::error::would_block) failed.clear();
  if (!failed && !text.empty())
    co_await asio::async_write(socket, asio::buffer(text),
                               asio::redirect_error(use_awaitable, failed));
  co_return !failed;
}

awaitable<void> stream(tcp_socket& socket, service& s, run_options options) {
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
  bool open = co_await write(socket, head);
  while (open) {
    const auto text = co_await events->take();
    if (text.empty()) break;
    open = co_await write(socket, text);
  }
  if (!open) stop.request_stop();
  error_code gone;
  socket.shutdown(tcp::socket::shutdown_send, gone);
}

awaitable<std::string> answer_ask(service& s, run_options options, bool keep_open) {
  const auto result = co_await async_execute(s.flows, s.flow, std::move(options), use_awaitable);
  if (!result) co_return reply(status_of(result.error()), error_body(result.error()), keep_open);
  if (!result->is_success())
    co_return reply(http::status::bad_gateway, error_body(core_error(result->state_text())),
                    keep_open);
  json_value body;
  body.set("answer", result->output_of(s.flow.nodes().back()->name).value_or(""));
  co_return reply(http::status::ok, to_json(body), keep_open);
}

awaitable<void> converse(tcp_socket socket, service& s) {
  boost::beast::flat_buffer received;
  for (bool open = true; open;) {
    http::request_parser<http::string_body> parser;
    if (const auto failed = co_await read(socket, received, parser)) {
      co_await write(socket, refusal(failed));
      co_return;
    }
    const auto& request = parser.get();
    open = request.keep_alive();
    const auto asked = parse_json(request.body());
    const std::string question = asked ? asked->string_or("question") : "";
    std::string answer;
    if (request.target() != "/ask" || request.method() != http::verb::post) {
      answer = reply(http::status::not_found, R"({"error":"there is only POST /ask"})", open);
    } else if (question.empty()) {
      answer = reply(http::status::bad_request,
                     R"({"error":"send {\"question\": \"...\"}, and \"stream\": true for events"})",
                     open);
    } else {
      run_options options;
      options.inputs.set("question", question);
      options.deadline_at = steady_clock::now() + run_time_max;
      const auto* wants = asked->find("stream");
      if (wants != nullptr && wants->is_bool() && wants->as_bool())
        co_return co_await stream(socket, s, std::move(options));
      answer = co_await answer_ask(s, std::move(options), open);
    }
    if (!co_await write(socket, answer)) co_return;
  }
}

awaitable<void> serve(tcp_acceptor acceptor, service& s) {
  for (;;) {
    error_code failed;
    tcp_socket socket = co_await acceptor.async_accept(asio::redirect_error(use_awaitable, failed));
    if (failed) {  // no descriptor is free: serve those who are here first
      timer pause(s.loop, accept_pause);
      co_await pause.async_wait(use_awaitable);
      continue;
    }
    socket.set_option(tcp::no_delay(true), failed);
    socket.non_blocking(true, failed);
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

  tcp_acceptor acceptor(s.loop, {asio::ip::make_address("127.0.0.1"),
                                 static_cast<unsigned short>(std::stoi(argv[2]))});
  std::printf("http://127.0.0.1:%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(s.loop, serve(std::move(acceptor), s), asio::detached);
  asio::signal_set signals(s.loop, SIGINT, SIGTERM);
  signals.async_wait([&](const error_code&, int) { s.loop.stop(); });
  s.loop.run();
  return 0;
} catch (...) {
  return tell_failure("ask_service");
}
