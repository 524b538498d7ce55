#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>  // before Asio: Boost 1.74's awaitable.hpp uses std::exchange without it
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <graphbit/net/http_server.hpp>

namespace graphbit {

/// Everything that lives while an http_server runs: one event loop, its thread and connections.
struct http_server_loop {
  http_server_loop(const http_server_options& options, const http_server::handler& on_request);
  ~http_server_loop();

  /// Binds and listens. Precondition: not running.
  [[nodiscard]] expected<void> open();
  void run_in_thread();

  // On the loop's thread.
  void accept();
  void sweep();
  void drain();
  void listen(bool on);
  void remove(http_connection* connection);
  /// A copy, because what is done to a connection may remove it.
  [[nodiscard]] std::vector<std::shared_ptr<http_connection>> all() const;

  const http_server_options& options;
  const http_server::handler& on_request;
  boost::asio::io_context context{1};
  boost::asio::ip::tcp::acceptor acceptor{context};
  boost::asio::ip::tcp::endpoint endpoint;
  std::optional<boost::asio::ssl::context> tls;
  boost::asio::steady_timer sweep_timer{context};
  boost::asio::steady_timer accept_timer{context};
  std::unordered_map<http_connection*, std::shared_ptr<http_connection>> connections;
  std::uint64_t connections_opened = 0;
  std::uint32_t tick = 0;  // seconds since the start
  bool draining = false;
  bool listening = true;
  std::thread thread;

 private:
  [[nodiscard]] expected<void> load_certificates();
  [[nodiscard]] expected<void> bind();
  void add(boost::asio::ip::tcp::socket socket);
};

}  // namespace graphbit
