#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>  // before Asio: Boost 1.74's awaitable.hpp uses std::exchange without it
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <graphbit/net/http_server.hpp>

namespace graphbit {

struct http_server_loop;

/// Fills an http_server_request from bytes. Beast's push parser without its message types: a
/// request costs no allocation once the buffers have grown.
class request_parser final : public boost::beast::http::basic_parser<true> {
 public:
  request_parser(http_server_request& request, const http_server_options& options);
  [[nodiscard]] bool wants_continue() const noexcept { return wants_continue_; }

 private:
  using error_code = boost::beast::error_code;
  using bytes = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, bytes method, bytes target, int version,
                       error_code&) override;
  void on_response_impl(int, bytes, int, error_code&) override {}
  void on_field_impl(boost::beast::http::field, bytes name, bytes value, error_code&) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override;
  std::size_t on_body_impl(bytes body, error_code&) override;
  void on_chunk_header_impl(std::uint64_t, bytes, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, bytes body, error_code&) override;
  void on_finish_impl(error_code&) override {}

  http_server_request& request_;
  bool wants_continue_ = false;
};

/// One client's connection: reads a request, hands it to the server's handler, waits for its
/// answer, and only then looks at the next one. All on the loop's thread.
///
/// Lifecycle: the loop's table owns it until the connection is `gone`; completions and exchanges
/// hold it a little longer.
class http_connection : public std::enable_shared_from_this<http_connection> {
 public:
  explicit http_connection(http_server_loop& loop);
  virtual ~http_connection() = default;
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  virtual void start() = 0;
  /// Closes the socket (with a reset if wanted) and ends an exchange that is not answered.
  void gone(bool with_reset = false);
  /// Once per second: closes what has been idle too long.
  void check(std::uint32_t tick);
  /// The server stops: close now when idle, else after the answer.
  void drain();

  // What http_exchange does, while `is_current(serial)`.
  [[nodiscard]] bool is_current(std::uint64_t serial) const noexcept {
    return busy_ && serial_ == serial;
  }
  [[nodiscard]] http_server_request& request() noexcept { return request_; }
  void respond(int status, std::string_view content_type, std::string_view body,
               std::string_view headers);
  void begin(int status, std::string_view content_type, std::string_view headers);
  void write(std::string_view chunk);
  void end();
  void drained(std::function<void()> f);
  void after(duration d, std::function<void()> f);
  void on_over(std::function<void(bool)> f) { over_ = std::move(f); }
  void raw(std::string_view bytes) { out_.append(bytes); }
  void close();

  /// Runs `f` as part of this connection's work: afterwards sends what it wrote and goes on.
  template <class F>
  void scoped(F&& f) {
    if (in_scope_) return f();
    auto keep = shared_from_this();
    in_scope_ = true;
    f();
    in_scope_ = false;
    proceed();
  }

 protected:
  virtual boost::asio::ip::tcp::socket& socket() noexcept = 0;
  virtual void async_read(char* at, std::size_t size) = 0;  // then on_read
  /// Writes what the socket takes without waiting; nothing where that is not possible.
  virtual std::size_t write_now(std::string_view bytes, boost::system::error_code& ec) = 0;
  virtual void async_write(std::string_view bytes) = 0;  // all of it, then on_written
  virtual void shut_down() = 0;                          // says goodbye, then reads until the end

  void read();
  void on_read(const boost::system::error_code& ec, std::size_t size);
  void on_written(const boost::system::error_code& ec);

  http_server_loop& loop_;
  bool handshaking_ = false;
  bool closed_ = false;

 private:
  void proceed();
  void parse();
  void dispatch();
  void refuse(const boost::system::error_code& why);
  void finish(bool answered);
  void flush();
  void on_flushed();
  void make_room();

  std::vector<char> input_;
  std::size_t input_begin_ = 0, input_end_ = 0;
  std::optional<request_parser> parser_;
  http_server_request request_;

  std::string out_;        // what is to be written next
  std::string in_flight_;  // what an asynchronous write is sending
  std::function<void()> drained_;
  std::function<void(bool)> over_;
  std::optional<boost::asio::steady_timer> timer_;

  std::uint64_t serial_ = 0;
  std::uint32_t touched_;  // the loop's tick when something last moved
  bool busy_ = false;      // a request is with the handler
  bool in_scope_ = false;
  bool reading_ = false;
  bool read_was_full_ = false;
  bool writing_ = false;
  bool chunked_ = false;
  bool close_when_flushed_ = false;
  bool lingering_ = false;
};

class plain_connection final : public http_connection {
 public:
  plain_connection(http_server_loop& loop, boost::asio::ip::tcp::socket socket);
  void start() override;

 private:
  boost::asio::ip::tcp::socket& socket() noexcept override { return socket_; }
  void async_read(char* at, std::size_t size) override;
  std::size_t write_now(std::string_view bytes, boost::system::error_code& ec) override;
  void async_write(std::string_view bytes) override;
  void shut_down() override;
  [[nodiscard]] std::shared_ptr<plain_connection> self();

  boost::asio::ip::tcp::socket socket_;
};

class tls_connection final : public http_connection {
 public:
  tls_connection(http_server_loop& loop, boost::asio::ip::tcp::socket socket,
                 boost::asio::ssl::context& tls);
  void start() override;

 private:
  boost::asio::ip::tcp::socket& socket() noexcept override { return stream_.next_layer(); }
  void async_read(char* at, std::size_t size) override;
  std::size_t write_now(std::string_view, boost::system::error_code&) override { return 0; }
  void async_write(std::string_view bytes) override;
  void shut_down() override;
  [[nodiscard]] std::shared_ptr<tls_connection> self();

  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
};

}  // namespace graphbit
