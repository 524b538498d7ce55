#include <graphbit/net/http_server.hpp>

#include <csignal>
#include <ctime>
#include <exception>
#include <future>

#include <pthread.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include <graphbit/runtime/log.hpp>

#include "http_connection.hpp"
#include "http_server_loop.hpp"

namespace graphbit {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// ---- the response head -------------------------------------------------------------------------

std::string_view http_status_text(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 529:
      return "Overloaded";
    default:
      return "Status";
  }
}

namespace {

/// The Date line of this second (RFC 9110, section 6.6.1).
std::string_view date_line() {
  thread_local std::time_t at = 0;
  thread_local char line[48];
  thread_local std::size_t size = 0;
  const auto now = std::time(nullptr);
  if (now != at) {
    at = now;
    std::tm utc{};
    gmtime_r(&now, &utc);
    size = std::strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
  }
  return {line, size};
}

}  // namespace

void append_http_head(std::string& out, int status, std::string_view content_type,
                      std::size_t content_length, std::string_view headers, bool keep_alive) {
  out.append("HTTP/1.1 ")
      .append(std::to_string(status))
      .append(" ")
      .append(http_status_text(status));
  if (!content_type.empty()) out.append("\r\nContent-Type: ").append(content_type);
  out.append("\r\nContent-Length: ").append(std::to_string(content_length)).append("\r\n");
  out.append(date_line()).append(headers);
  out.append(keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
}

// ---- the exchange ------------------------------------------------------------------------------

http_exchange::http_exchange(std::shared_ptr<http_connection> connection,
                             std::uint64_t serial) noexcept
    : connection_(std::move(connection)), serial_(serial) {}

bool http_exchange::alive() const noexcept { return connection_->is_current(serial_); }

http_server_request& http_exchange::request() const noexcept { return connection_->request(); }

void http_exchange::respond(int status, std::string_view content_type, std::string_view body,
                            std::string_view headers) const {
  if (!alive()) return;
  connection_->scoped([&] { connection_->respond(status, content_type, body, headers); });
}

void http_exchange::begin(int status, std::string_view content_type,
                          std::string_view headers) const {
  if (!alive()) return;
  connection_->scoped([&] { connection_->begin(status, content_type, headers); });
}

void http_exchange::write(std::string_view chunk) const {
  if (alive()) connection_->scoped([&] { connection_->write(chunk); });
}

void http_exchange::drained(std::function<void()> f) const {
  if (alive()) connection_->drained(std::move(f));
}

void http_exchange::end() const {
  if (alive()) connection_->scoped([&] { connection_->end(); });
}

void http_exchange::after(duration d, std::function<void()> f) const {
  if (alive()) connection_->after(d, std::move(f));
}

void http_exchange::on_over(std::function<void(bool)> f) const {
  if (alive()) connection_->on_over(std::move(f));
}

void http_exchange::raw(std::string_view bytes) const {
  if (alive()) connection_->scoped([&] { connection_->raw(bytes); });
}

void http_exchange::close() const {
  if (alive()) connection_->scoped([&] { connection_->close(); });
}

void http_exchange::reset() const {
  if (alive()) connection_->gone(true);
}

// ---- the loop ----------------------------------------------------------------------------------

http_server_loop::http_server_loop(const http_server_options& opts,
                                   const http_server::handler& handler)
    : options(opts), on_request(handler) {}

http_server_loop::~http_server_loop() {
  if (thread.joinable()) {
    context.stop();
    thread.join();
  }
  // Connections hold sockets of the context: they go before it does.
  connections.clear();
}

expected<void> http_server_loop::load_certificates() {
  if (options.cert_file.empty() && options.key_file.empty()) return {};
  if (options.cert_file.empty() || options.key_file.empty())
    return fail(configuration_error(options.cert_file.empty() ? "cert_file" : "key_file",
                                    "a TLS server needs a certificate and its key: give both"));
  tls.emplace(asio::ssl::context::tls_server);
  tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                   asio::ssl::context::no_tlsv1_1);
  error_code ec;
  tls->use_certificate_chain_file(options.cert_file, ec);
  if (ec)
    return fail(configuration_error(
        "cert_file", "cannot use the certificate " + options.cert_file + ": " + ec.message()));
  tls->use_private_key_file(options.key_file, asio::ssl::context::pem, ec);
  if (ec)
    return fail(configuration_error(
        "key_file", "cannot use the key " + options.key_file + ": " + ec.message()));
  if (options.client_ca_file.empty()) return {};
  tls->load_verify_file(options.client_ca_file, ec);
  if (ec)
    return fail(configuration_error(
        "client_ca_file",
        "cannot use the authority " + options.client_ca_file + ": " + ec.message()));
  tls->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  SSL_CTX_set_session_id_context(tls->native_handle(),
                                 reinterpret_cast<const unsigned char*>("graphbit"), 8);
  return {};
}

expected<void> http_server_loop::bind() {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) endpoint = acceptor.local_endpoint(ec);
  if (!ec) return {};
  return fail(network_error("cannot listen on " + options.host + ":" +
                            std::to_string(options.port) + ": " + ec.message()));
}

expected<void> http_server_loop::open() {
  error_code ec;
  const auto address =
      asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, ec);
  if (ec)
    return fail(configuration_error(
        "host", "'" + options.host + "' is no IP address: give one such as 127.0.0.1"));
  if (!address.is_loopback() && !options.allow_public)
    return fail(configuration_error(
        "host", options.host + " can be reached from other machines: listen on 127.0.0.1, or allow "
                               "public addresses explicitly"));
  if (auto loaded = load_certificates(); !loaded) return loaded;
  endpoint = tcp::endpoint(address, options.port);
  if (auto bound = bind(); !bound) return bound;
  acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return fail(network_error("cannot listen: " + ec.message()));
  accept();
  sweep();
  return {};
}

void http_server_loop::run_in_thread() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the thread inherits it: signals are for others
  thread = std::thread([this] {
    pthread_setname_np(pthread_self(), options.thread_name.substr(0, 15).c_str());
    while (!context.stopped()) {
      try {
        context.run();
      } catch (const std::exception& e) {
        log(log_level::error, "net", std::string("http_server: a callback threw: ") + e.what());
      }
    }
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void http_server_loop::accept() {
  if (!listening || draining) return;
  acceptor.async_accept([this](error_code ec, tcp::socket socket) {
    if (ec == asio::error::operation_aborted) return;
    if (!ec) add(std::move(socket));
    if (!ec && connections.size() < options.connections_max) return accept();
    // Out of descriptors or at the bound: try again when some may have been closed.
    accept_timer.expires_after(milliseconds(50));
    accept_timer.async_wait([this](error_code cancelled) {
      if (!cancelled) accept();
    });
  });
}

void http_server_loop::add(tcp::socket socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::shared_ptr<http_connection> connection;
  if (tls)
    connection = std::make_shared<tls_connection>(*this, std::move(socket), *tls);
  else
    connection = std::make_shared<plain_connection>(*this, std::move(socket));
  ++connections_opened;
  connections.emplace(connection.get(), connection);
  connection->start();
}

void http_server_loop::remove(http_connection* connection) {
  connections.erase(connection);
  if (draining && connections.empty()) context.stop();
}

void http_server_loop::sweep() {
  sweep_timer.expires_after(seconds(1));
  sweep_timer.async_wait([this](error_code cancelled) {
    if (cancelled) return;
    ++tick;
    for (const auto& connection : all()) connection->check(tick);
    sweep();
  });
}

std::vector<std::shared_ptr<http_connection>> http_server_loop::all() const {
  std::vector<std::shared_ptr<http_connection>> list;
  list.reserve(connections.size());
  for (const auto& [key, connection] : connections) list.push_back(connection);
  return list;
}

void http_server_loop::listen(bool on) {
  if (on == listening || draining) return;
  listening = on;
  error_code ec;
  if (on) {
    acceptor.listen(asio::socket_base::max_listen_connections, ec);
    return accept();
  }
  // A socket that is bound but does not listen refuses connections and keeps the port.
  accept_timer.cancel();
  acceptor.close(ec);
  if (auto bound = bind(); !bound) log(log_level::error, "net", describe(bound.error()));
}

void http_server_loop::drain() {
  draining = true;
  error_code ignored;
  acceptor.close(ignored);
  for (const auto& connection : all()) connection->drain();
  if (connections.empty()) return context.stop();
  sweep_timer.expires_after(options.drain_max);
  sweep_timer.async_wait([this](error_code) { context.stop(); });
}

// ---- the server --------------------------------------------------------------------------------

class http_server::impl {
 public:
  impl(http_server_options opts, handler on_request)
      : options(std::move(opts)), on_request(std::move(on_request)) {}

  http_server_options options;
  handler on_request;
  std::uint16_t port = 0;
  std::unique_ptr<http_server_loop> loop;  // while it runs
};

http_server::http_server(http_server_options options, handler on_request)
    : impl_(std::make_unique<impl>(std::move(options), std::move(on_request))) {}

http_server::~http_server() { stop(); }

expected<void> http_server::start() {
  if (impl_->loop) return {};
  auto loop = std::make_unique<http_server_loop>(impl_->options, impl_->on_request);
  if (auto opened = loop->open(); !opened) return opened;
  impl_->port = loop->endpoint.port();
  impl_->loop = std::move(loop);
  impl_->loop->run_in_thread();
  return {};
}

void http_server::stop() {
  if (!impl_->loop) return;
  post([loop = impl_->loop.get()] { loop->drain(); });
  impl_->loop->thread.join();
  impl_->loop.reset();
}

std::uint16_t http_server::port() const noexcept { return impl_->port; }

std::string http_server::url() const {
  const auto& options = impl_->options;
  const bool v6 = options.host.find(':') != std::string::npos;
  return (options.cert_file.empty() ? "http://" : "https://") +
         (v6 ? "[" + options.host + "]" : options.host) + ":" + std::to_string(impl_->port);
}

void http_server::post(std::function<void()> f) {
  if (impl_->loop) asio::post(impl_->loop->context, std::move(f));
}

void http_server::call(const std::function<void()>& f) {
  if (!impl_->loop || impl_->loop->thread.get_id() == std::this_thread::get_id()) return f();
  std::packaged_task<void()> task(f);
  auto done = task.get_future();
  asio::post(impl_->loop->context, std::move(task));
  done.get();
}

void http_server::after(duration d, std::function<void()> f) {
  if (!impl_->loop) return;
  auto timer = std::make_shared<asio::steady_timer>(impl_->loop->context, d);
  timer->async_wait([timer, f = std::move(f)](error_code cancelled) {
    if (!cancelled) f();
  });
}

void http_server::refuse_connections(bool refuse) {
  if (impl_->loop) impl_->loop->listen(!refuse);
}

void http_server::drop_connections() {
  if (!impl_->loop) return;
  for (const auto& connection : impl_->loop->all()) connection->gone(true);
}

http_server_stats http_server::stats() const {
  if (!impl_->loop) return {};
  return {impl_->loop->connections_opened, impl_->loop->connections.size()};
}

}  // namespace graphbit
