#include <sys/resource.h>
#include <sys/wait.h>

#include <net/http_client_fixture.hpp>
#include <src/body_budget.hpp>
#include <src/resolver.hpp>

namespace graphbit::test {
namespace {

TEST_F(http_client_test, sends_what_it_was_given_and_returns_the_answer) {
  std::string seen;
  socket_server server([&](server_socket& s, int) {
    seen = s.read_request();
    s.send(ok("hello", "X-Request-Id: r1\r\n"));
  });
  const auto client = connect_to(server);
  auto request = post("{\"a\":1}");
  request.extra_headers = "Idempotency-Key: i\r\n";
  const auto answer = ask(std::move(request));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(answer->headers.get("x-request-id"), "r1");
  EXPECT_EQ(seen, "POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                      "\r\nAuthorization: Bearer k\r\nIdempotency-Key: i\r\nContent-Length: 7"
                      "\r\n\r\n{\"a\":1}");
}

TEST_F(http_client_test, reuses_one_connection_for_calls_in_turn) {
  socket_server server([](server_socket& s, int) {
    while (!s.read_request().empty()) s.send(ok("x"));
  });
  const auto client = connect_to(server);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ask());
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(stats().opened, 1u);
  EXPECT_EQ(stats().reused, 4u);
  EXPECT_EQ(stats().idle, 1u);
}

TEST_F(http_client_test, never_takes_bytes_after_an_answer_for_the_next_answer) {
  socket_server server([](server_socket& s, int) {
    while (!s.read_request().empty()) s.send(ok("right") + ok("smuggled"));
  });
  const auto client = connect_to(server);
  EXPECT_EQ(ask()->body, "right");
  EXPECT_EQ(ask()->body, "right");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(http_client_test, sends_and_receives_megabytes) {
  const std::string big(3'000'000, 'x');
  std::size_t seen = 0;
  socket_server server([&](server_socket& s, int) {
    seen = s.read_request().size();
    s.send(ok(big));
  });
  const auto client = connect_to(server);
  const auto answer = ask(post(big));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, big);
  EXPECT_GT(seen, big.size());
}

TEST_F(http_client_test, an_answer_that_comes_before_the_body_was_sent_counts) {
  socket_server server([](server_socket& s, int) {
    s.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    EXPECT_TRUE(s.sees_close());
  });
  const auto client = connect_to(server);
  const auto answer = ask(post(std::string(8'000'000, 'x')));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
}

TEST_F(http_client_test, streams_what_each_receive_brought) {
  std::promise<void> go_on;
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n");
    go_on.get_future().wait();
    s.send("5\r\nthree\r\n0\r\n\r\n");
    static_cast<void>(s.sees_close());
  });
  const auto client = connect_to(server);
  recorder to;
  start(to, post("{}", true));
  ASSERT_TRUE(to.wait_for_pieces(1));
  EXPECT_EQ(to.head_status(), 200);
  EXPECT_EQ(to.text(), "onetwo");  // two chunks of one receive come together
  go_on.set_value();
  const auto answer = to.wait();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(to.text(), "onetwothree");
}

TEST_F(http_client_test, a_body_cut_short_is_a_network_error) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const auto client = connect_to(server);
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::network);
  EXPECT_EQ(answer.error().retry, retry_rule::transient);
  EXPECT_NE(answer.error().message.find("in the middle"), std::string::npos);
}

TEST_F(http_client_test, a_reset_on_a_fresh_connection_is_a_network_error) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.reset();
  });
  const auto client = connect_to(server);
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::network);
  EXPECT_EQ(answer.error().breaker, breaker_rule::counts);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(http_client_test, a_stale_pooled_connection_is_forgiven_silently) {
  for (const bool by_reset : {false, true}) {
    socket_server server([&](server_socket& s, int n) {
      static_cast<void>(s.read_request());
      s.send(ok("first"));
      if (n > 0) return;
      // It reads the second request, so the client cannot have noticed anything before it asked.
      static_cast<void>(s.read_request());
      if (by_reset) s.reset();
    });
    const auto client = connect_to(server);
    ASSERT_TRUE(ask());
    const auto answer = ask(post("{\"again\":1}"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "first");
    EXPECT_EQ(server.connections(), 2);
  }
}

TEST_F(http_client_test, a_cut_after_the_first_byte_is_not_forgiven) {
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send(ok("first"));
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 2");
  });
  const auto client = connect_to(server);
  ASSERT_TRUE(ask());
  EXPECT_FALSE(ask());
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(http_client_test, an_idle_connection_that_the_server_closes_leaves_the_pool) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send(ok("x"));
  });
  const auto client = connect_to(server);
  ASSERT_TRUE(ask());
  EXPECT_TRUE(wait_for_stats([](const auto& s) { return s.open == 0; }));
}

TEST_F(http_client_test, idle_connections_are_closed_after_their_time) {
  std::promise<bool> closed;
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send(ok("x"));
    closed.set_value(s.sees_close());
  });
  http_client_options options;
  options.idle_max = 0s;
  const auto client = connect_to(server, options);
  ASSERT_TRUE(ask());
  EXPECT_TRUE(closed.get_future().get());
}

TEST_F(http_client_test, connection_close_is_obeyed) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send(ok("x", "Connection: close\r\n"));
    static_cast<void>(s.sees_close());
  });
  const auto client = connect_to(server);
  ASSERT_TRUE(ask());
  ASSERT_TRUE(ask());
  EXPECT_EQ(server.connections(), 2);
}

// --- time ---------------------------------------------------------------------------------------

error failure_of(const expected<http_response>& answer) {
  return answer ? core_error("no failure") : answer.error();
}

void expect_timeout(const expected<http_response>& answer, std::string_view operation) {
  const auto e = failure_of(answer);
  EXPECT_EQ(e.kind, error_kind::timeout) << e.message;
  EXPECT_EQ(e.operation, operation);
}

TEST_F(http_client_test, names_the_clock_that_ran_out) {
  socket_server silent([](server_socket& s, int) { EXPECT_TRUE(s.sees_close()); });
  const auto client = connect_to(silent);
  http_timeouts timeouts;
  timeouts.first_byte_at = steady_clock::now() + 60ms;
  expect_timeout(ask(post(), timeouts), "first_byte");
  timeouts = {};
  timeouts.total_at = steady_clock::now() + 450ms;  // beyond what the precise timer covers
  expect_timeout(ask(post(), timeouts), "request");
}

TEST_F(http_client_test, a_slow_drip_is_cut_by_the_idle_clock_or_the_total) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 200 && s.send("."); ++i) std::this_thread::sleep_for(20ms);
  });
  const auto client = connect_to(server);
  http_timeouts timeouts;
  timeouts.idle = 5ms;
  expect_timeout(ask(post(), timeouts), "idle");
  timeouts.idle = 2000ms;
  timeouts.total_at = steady_clock::now() + 150ms;
  expect_timeout(ask(post(), timeouts), "request");
}

TEST_F(http_client_test, a_refused_connection_says_what_to_check) {
  std::uint16_t port = 0;
  {
    port = socket_server([](server_socket&, int) {}).port();
  }
  const auto client = connect_to(origin{false, "127.0.0.1", port});
  const auto e = failure_of(ask());
  EXPECT_EQ(e.kind, error_kind::network);
  EXPECT_EQ(e.retry, retry_rule::transient);
  EXPECT_NE(e.message.find("is the server running"), std::string::npos);
}

TEST_F(http_client_test, a_host_that_never_answers_is_given_up_by_the_connect_clock) {
  // A listener whose backlog is full drops further connection attempts.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  std::this_thread::sleep_for(50ms);
  const auto client = connect_to(origin{false, "127.0.0.1", ntohs(address.sin_port)});
  http_timeouts timeouts;
  timeouts.connect = 100ms;
  const auto answer = ask(post(), timeouts);
  expect_timeout(answer, "connect");
  EXPECT_EQ(failure_of(answer).duration, 100ms);
  for (const int fd : fillers) ::close(fd);
  ::close(listener);
}

TEST_F(http_client_test, an_unknown_host_is_a_network_error) {
  const auto client = connect_to(origin{false, "no-such-host.invalid", 80});
  const auto e = failure_of(ask());
  EXPECT_EQ(e.kind, error_kind::network);
  EXPECT_NE(e.message.find("no-such-host.invalid"), std::string::npos);
}

TEST_F(http_client_test, localhost_works_whichever_family_listens) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send(ok("x"));
  });
  const auto client = connect_to(origin{false, "localhost", server.port()});
  EXPECT_TRUE(ask());
}

// --- cancelling, pausing, ending ----------------------------------------------------------------

TEST_F(http_client_test, cancelling_closes_the_socket_and_says_nothing_more) {
  std::promise<void> asked;
  std::promise<bool> closed;
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    asked.set_value();
    closed.set_value(s.sees_close());
  });
  const auto client = connect_to(server);
  recorder to;
  const auto id = start(to);
  asked.get_future().wait();
  on_reactor([&] { client_->cancel(id); });
  EXPECT_TRUE(closed.get_future().get());
  EXPECT_EQ(to.done_count(), 0);
  EXPECT_EQ(stats().open, 0u);
}

TEST_F(http_client_test, a_handler_may_cancel_from_inside_its_own_call) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst");
    EXPECT_TRUE(s.sees_close());
  });
  const auto client = connect_to(server);
  recorder to;
  http_client::exchange_id id = 0;
  to.when_data = [&] { client_->cancel(id); };
  on_reactor([&] { id = client_->start(post("{}", true), {}, to); });
  ASSERT_TRUE(to.wait_for_pieces(1));
  EXPECT_TRUE(wait_for_stats([](const auto& s) { return s.open == 0; }));
  EXPECT_EQ(to.done_count(), 0);
}

TEST_F(http_client_test, a_handler_may_destroy_the_client_from_inside_its_own_call) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst");
    EXPECT_TRUE(s.sees_close());
  });
  const auto client = connect_to(server);
  recorder to;
  to.when_data = [&] { client_.reset(); };
  start(to, post("{}", true));
  const auto e = failure_of(to.wait());
  EXPECT_TRUE(e.cancelled);
  EXPECT_EQ(to.done_count(), 1);
}

TEST_F(http_client_test, a_paused_stream_is_not_read_until_it_is_resumed) {
  std::atomic<std::size_t> sent{0};
  constexpr std::size_t total = 64u * 1024 * 1024;
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
    const std::string block(64 * 1024, 'x');
    while (sent < total && s.send(block)) sent += block.size();
  });
  const auto client = connect_to(server);
  recorder to;
  http_client::exchange_id id = 0;
  bool pause_next = true;
  to.when_data = [&] {
    if (std::exchange(pause_next, false)) client_->pause(id);
  };
  on_reactor([&] { id = client_->start(post("{}", true), {}, to); });
  ASSERT_TRUE(to.wait_for_pieces(1));
  std::this_thread::sleep_for(200ms);
  EXPECT_LT(sent, total);  // the server is held back by full socket buffers
  EXPECT_EQ(to.done_count(), 0);
  const auto pieces_when_paused = to.pieces().size();
  EXPECT_LE(pieces_when_paused, 1u);
  on_reactor([&] { client_->resume(id); });
  ASSERT_TRUE(to.wait());
  EXPECT_EQ(to.text().size(), total);
}

TEST_F(http_client_test, destroying_the_client_completes_every_call_as_cancelled) {
  socket_server server([](server_socket& s, int) { EXPECT_TRUE(s.sees_close()); });
  http_client_options options;
  options.connections_max = 2;
  const auto client = connect_to(server, options);
  std::array<recorder, 4> to;
  for (auto& r : to) start(r);
  ASSERT_TRUE(wait_for_stats([](const auto& s) { return s.opened == 2; }));
  EXPECT_EQ(stats().waiting, 2u);
  disconnect();
  for (auto& r : to) {
    const auto e = failure_of(r.wait());
    EXPECT_EQ(e.kind, error_kind::runtime);
    EXPECT_TRUE(e.cancelled);
    EXPECT_EQ(r.done_count(), 1);
  }
}

// --- bounds -------------------------------------------------------------------------------------

TEST_F(http_client_test, bounds_its_connections_and_serves_the_rest_in_order) {
  std::mutex mutex;
  std::vector<std::string> order;
  socket_server server([&](server_socket& s, int) {
    for (std::string r; !(r = s.read_request()).empty();) {
      {
        const std::lock_guard guard(mutex);
        order.push_back(r.substr(r.find("\r\n\r\n") + 4));
      }
      s.send(ok("x"));
    }
  });
  http_client_options options;
  options.connections_max = 1;
  const auto client = connect_to(server, options);
  std::array<recorder, 20> to;
  on_reactor([&] {
    for (std::size_t i = 0; i < to.size(); ++i) client_->start(post(std::to_string(i)), {}, to[i]);
  });
  for (auto& r : to) ASSERT_TRUE(r.wait());
  EXPECT_EQ(server.connections(), 1);
  const std::lock_guard guard(mutex);
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], std::to_string(i));
}

TEST_F(http_client_test, a_call_in_the_queue_keeps_its_deadline_and_can_be_cancelled) {
  socket_server server([](server_socket& s, int) { static_cast<void>(s.sees_close()); });
  http_client_options options;
  options.connections_max = 1;
  recorder first, second, third;  // before the client, which ends the first one
  const auto client = connect_to(server, options);
  start(first);
  http_timeouts timeouts;
  timeouts.total_at = steady_clock::now() + 50ms;
  start(second, post(), timeouts);
  const auto id = start(third);
  expect_timeout(second.wait(), "request");
  on_reactor([&] { client_->cancel(id); });
  EXPECT_EQ(stats().waiting, 0u);
  EXPECT_EQ(third.done_count(), 0);
}

TEST_F(http_client_test, bounds_header_and_body) {
  socket_server server([](server_socket& s, int) {
    for (std::string r; !(r = s.read_request()).empty();) {
      if (r.ends_with("header")) s.send("HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'x'));
      if (r.ends_with("sized")) s.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
      if (r.ends_with("chunked"))
        s.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" +
               std::string(5000, 'x') + "\r\n0\r\n\r\n");
    }
  });
  http_client_options options;
  options.header_bytes_max = 4000;
  options.body_bytes_max = 4000;
  const auto client = connect_to(server, options);
  for (const auto* what : {"header", "sized", "chunked"}) {
    const auto e = failure_of(ask(post(what)));
    EXPECT_EQ(e.kind, error_kind::resource_exhausted) << what << ": " << e.message;
    EXPECT_EQ(e.retry, retry_rule::never);
    EXPECT_NE(e.message.find("4000"), std::string::npos);
  }
}

TEST_F(http_client_test, refuses_a_target_that_would_split_the_request) {
  socket_server server([](server_socket&, int) {});
  const auto client = connect_to(server);
  auto request = post();
  request.target = std::make_shared<const std::string>("/x HTTP/1.1\r\nEvil: 1");
  EXPECT_EQ(failure_of(ask(std::move(request))).kind, error_kind::validation);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(http_client_test, a_body_waits_while_the_process_holds_too_much) {
  const std::string big(4'000'000, 'x');
  std::promise<void> sending;
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    sending.set_value();
    s.send(ok(big));
    static_cast<void>(s.sees_close());
  });
  const auto client = connect_to(server);
  auto& budget = body_budget::of_process();
  ASSERT_TRUE(budget.take(limits::bodies_in_process_bytes_max));
  recorder to;
  http_timeouts timeouts;
  timeouts.idle = 20ms;  // waiting for room is not the server's silence
  start(to, post(), timeouts);
  sending.get_future().wait();
  std::this_thread::sleep_for(150ms);
  EXPECT_EQ(to.done_count(), 0);
  budget.give_back(limits::bodies_in_process_bytes_max);
  const auto answer = to.wait();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body.size(), big.size());
  EXPECT_EQ(budget.held(), 0u);
}

TEST_F(http_client_test, bodies_of_several_clients_share_one_bound) {
  constexpr std::size_t body_bytes = 4'000'000;
  const std::string body(body_bytes, 'x');
  std::promise<void> first_holds, go_on;
  // The first server sends all but a byte, so that its client holds that much until it goes on.
  socket_server first([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    const auto answer = ok(body);
    s.send(answer.substr(0, answer.size() - 1));
    first_holds.set_value();
    go_on.get_future().wait();
    s.send("x");
    static_cast<void>(s.sees_close());
  });
  std::promise<void> second_sends;
  socket_server second([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    second_sends.set_value();
    s.send(ok(body));
    static_cast<void>(s.sees_close());
  });
  auto& budget = body_budget::of_process();
  const auto others = limits::bodies_in_process_bytes_max - body_bytes - body_bytes / 2;
  ASSERT_TRUE(budget.take(others));  // room is left for one and a half
  const auto one = connect_to(first);
  recorder to_first, to_second;
  start(to_first, post(), {});
  first_holds.get_future().wait();
  while (budget.held() - others < body_bytes - 1) std::this_thread::yield();
  auto other_client = on_reactor([&] {
    return std::make_unique<http_client>(
        rt_->reactor_at(0), origin{false, "127.0.0.1", second.port()}, http_client_options{});
  });
  on_reactor([&] { other_client->start(post(), {}, to_second); });
  second_sends.get_future().wait();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(to_second.done_count(), 0);
  EXPECT_LE(budget.held(), limits::bodies_in_process_bytes_max);
  go_on.set_value();
  for (auto* to : {&to_first, &to_second}) {
    const auto answer = to->wait();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body.size(), body_bytes);
  }
  budget.give_back(others);
  EXPECT_EQ(budget.held(), 0u);
  on_reactor([&] { other_client.reset(); });
}

TEST_F(http_client_test, lives_with_the_connections_it_has_when_descriptors_run_out) {
  socket_server server([](server_socket& s, int) {
    while (!s.read_request().empty()) s.send(ok("x"));
  });
  const auto client = connect_to(server);
  ASSERT_TRUE(ask());
  // Every descriptor below the soft limit is taken, so that the next socket cannot be made.
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int highest = ::dup(0);
  const rlimit tight{static_cast<rlim_t>(highest), before.rlim_max};
  ::close(highest);
  std::vector<int> fillers;
  ::setrlimit(RLIMIT_NOFILE, &tight);
  for (int fd; (fd = ::dup(0)) >= 0;) fillers.push_back(fd);
  std::array<recorder, 5> to;
  on_reactor([&] {
    for (auto& r : to) client_->start(post(), {}, r);
  });
  for (auto& r : to) EXPECT_TRUE(r.wait());
  ::setrlimit(RLIMIT_NOFILE, &before);
  for (const int fd : fillers) ::close(fd);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(http_client_test, tries_the_next_address_when_the_first_is_silent) {
  const auto listen_on = [](int family, std::uint16_t port, int backlog) {
    const int fd = ::socket(family, SOCK_STREAM, 0);
    const auto at = addresses_without_dns({false, family == AF_INET6 ? "::1" : "127.0.0.1", port});
    const bool ready =
        ::bind(fd, at->front().get(), at->front().size) == 0 && ::listen(fd, backlog) == 0;
    return ready ? fd : -1;
  };
  const int silent = listen_on(AF_INET, 0, 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  const int listener = listen_on(AF_INET6, ntohs(address.sin_port), 8);
  if (listener < 0) GTEST_SKIP() << "no IPv6 here";
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  std::thread serving([&] {
    server_socket s(::accept(listener, nullptr, nullptr));
    static_cast<void>(s.read_request());
    s.send(ok("second"));
    static_cast<void>(s.sees_close());
  });
  {
    const auto client = connect_to(origin{false, "localhost", ntohs(address.sin_port)});
    const auto answer = ask();
    EXPECT_TRUE(answer && answer->body == "second");
  }
  serving.join();
  fillers.insert(fillers.end(), {silent, listener});
  for (const int fd : fillers) ::close(fd);
}

TEST_F(http_client_test, a_forked_child_holds_no_copy_of_the_connections) {
  std::promise<bool> closed;
  std::promise<void> asked;
  socket_server server([&](server_socket& s, int) {
    static_cast<void>(s.read_request());
    s.send(ok("x"));
    asked.get_future().wait();
    closed.set_value(s.sees_close());
  });
  std::array<int, 2> until_done{};
  ASSERT_EQ(::pipe(until_done.data()), 0);
  pid_t child = 0;
  {
    const auto client = connect_to(server);
    ASSERT_TRUE(ask());
    child = ::fork();
    if (child == 0) {  // lives, with its copies of all descriptors, until the parent has seen
      char byte = 0;
      ::close(until_done[1]);
      ::_exit(static_cast<int>(::read(until_done[0], &byte, 1)));
    }
  }
  asked.set_value();
  EXPECT_TRUE(closed.get_future().get());
  ::close(until_done[0]);
  ::close(until_done[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(http_client_test, warming_up_opens_a_connection_that_the_first_call_finds) {
  socket_server server([](server_socket& s, int) {
    while (!s.read_request().empty()) s.send(ok("x"));
  });
  const auto client = connect_to(server);
  for (int i = 0; i < 2; ++i) {
    recorder warm;
    on_reactor([&] { client_->warm_up({}, warm); });
    const auto answer = warm.wait();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 0);
  }
  ASSERT_TRUE(ask());
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(stats().reused, 1u);
}

TEST_F(http_client_test, head_and_get_send_no_length) {
  std::string seen;
  socket_server server([&](server_socket& s, int) {
    seen = s.read_request();
    s.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    static_cast<void>(s.sees_close());
  });
  const auto client = connect_to(server);
  auto request = post("");
  request.method = "HEAD";
  const auto answer = ask(std::move(request));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(seen.find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace graphbit::test
