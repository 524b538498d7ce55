#include "http_connection.hpp"

#include <algorithm>
#include <cstring>
#include <exception>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <graphbit/runtime/log.hpp>

#include "http_server_loop.hpp"

namespace graphbit {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t input_bytes_first = 8 * 1024;
constexpr std::size_t input_bytes_max = 256 * 1024;
constexpr std::size_t kept_body_bytes_max = 256 * 1024;
constexpr std::size_t pipelined_output_bytes_max = 256 * 1024;
constexpr std::uint32_t linger_ticks = 2;
constexpr std::uint32_t handshake_ticks = 10;

std::string_view to_view(boost::beast::string_view s) { return {s.data(), s.size()}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_any_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

// ---- the request -------------------------------------------------------------------------------

std::string_view http_server_request::path() const noexcept {
  const auto whole = target();
  return whole.substr(0, whole.find('?'));
}

std::string_view http_server_request::query() const noexcept {
  const auto whole = target();
  const auto at = whole.find('?');
  return at == std::string_view::npos ? std::string_view{} : whole.substr(at + 1);
}

std::string_view http_server_request::header(std::string_view name) const noexcept {
  for (const auto& f : fields_)
    if (equals_any_case(view(f.name), name)) return view(f.value);
  return {};
}

http_server_request::span http_server_request::keep(std::string_view text) {
  const span s{static_cast<std::uint32_t>(head_.size()), static_cast<std::uint32_t>(text.size())};
  head_.append(text);
  return s;
}

void http_server_request::clear() {
  head_.clear();
  fields_.clear();
  if (body_.capacity() > kept_body_bytes_max) body_ = std::string();
  body_.clear();
}

// ---- the parser --------------------------------------------------------------------------------

request_parser::request_parser(http_server_request& request, const http_server_options& options)
    : request_(request) {
  eager(true);
  header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
  body_limit(options.body_bytes_max);
}

void request_parser::on_request_impl(http::verb, bytes method, bytes target, int version,
                                     error_code&) {
  request_.method_ = request_.keep(to_view(method));
  request_.target_ = request_.keep(to_view(target));
  request_.version_ = static_cast<unsigned>(version);
}

void request_parser::on_field_impl(http::field name, bytes name_text, bytes value, error_code&) {
  request_.fields_.push_back({request_.keep(to_view(name_text)), request_.keep(to_view(value))});
  if (name == http::field::expect && equals_any_case(to_view(value), "100-continue"))
    wants_continue_ = true;
}

void request_parser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  // A claim alone gets no more than a mebibyte of memory.
  if (length) request_.body_.reserve(std::min<std::uint64_t>(*length, 1024 * 1024));
}

std::size_t request_parser::on_body_impl(bytes body, error_code&) {
  request_.body_.append(body.data(), body.size());
  return body.size();
}

std::size_t request_parser::on_chunk_body_impl(std::uint64_t, bytes body, error_code& ec) {
  return on_body_impl(body, ec);
}

// ---- reading -----------------------------------------------------------------------------------

http_connection::http_connection(http_server_loop& loop) : loop_(loop), touched_(loop.tick) {}

void http_connection::make_room() {
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  if (std::exchange(read_was_full_, false) && input_.size() < input_bytes_max)
    input_.resize(input_.size() * 2);
  if (input_end_ < input_.size()) return;
  if (input_begin_ > 0) {
    std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
    input_end_ -= input_begin_;
    input_begin_ = 0;
  } else if (input_.size() < std::max(input_bytes_max, loop_.options.header_bytes_max * 2)) {
    input_.resize(std::max(input_bytes_first, input_.size() * 2));
  }
}

void http_connection::read() {
  if (reading_ || closed_) return;
  make_room();
  if (input_end_ == input_.size()) return;  // a client that pipelines on and on has to wait
  reading_ = true;
  async_read(input_.data() + input_end_, input_.size() - input_end_);
}

void http_connection::on_read(const error_code& ec, std::size_t size) {
  reading_ = false;
  if (closed_) return;
  if (ec) return gone();
  touched_ = loop_.tick;
  if (lingering_) {
    input_begin_ = input_end_ = 0;
  } else {
    input_end_ += size;
    // The sign of a big body: fewer, larger reads from now on.
    read_was_full_ = input_end_ == input_.size();
    if (!busy_) return scoped([] {});
  }
  read();
}

void http_connection::proceed() {
  // Many small requests may come in one read: their answers leave in one write, up to a bound.
  bool bounded = true;
  while (bounded && !closed_ && !writing_) {
    in_scope_ = true;
    parse();
    in_scope_ = false;
    bounded = out_.size() >= pipelined_output_bytes_max;
    flush();
  }
  read();
}

void http_connection::parse() {
  while (!busy_ && !closed_ && !close_when_flushed_ && input_begin_ < input_end_ &&
         out_.size() < pipelined_output_bytes_max) {
    if (!parser_) {
      request_.clear();
      parser_.emplace(request_, loop_.options);
    }
    error_code ec;
    const auto used = parser_->put(
        asio::const_buffer(input_.data() + input_begin_, input_end_ - input_begin_), ec);
    input_begin_ += used;
    if (ec && ec != http::error::need_more) return refuse(ec);
    if (parser_->is_done()) {
      dispatch();
    } else {
      if (parser_->is_header_done() && parser_->wants_continue() && request_.body_.empty())
        out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      if (used == 0 || ec) return;
    }
  }
}

void http_connection::dispatch() {
  busy_ = true;
  chunked_ = false;
  if (!parser_->keep_alive() || request_.version_ < 11 || loop_.draining)
    close_when_flushed_ = true;
  const http_exchange exchange(shared_from_this(), ++serial_);
  try {
    loop_.on_request(exchange);
  } catch (const std::exception& e) {
    log(log_level::error, "net", std::string("http_server: the handler threw: ") + e.what());
    if (exchange.alive() && !chunked_) respond(500, "text/plain", "internal error\n", {});
    if (exchange.alive()) gone(true);
  }
}

void http_connection::refuse(const error_code& why) {
  const int status = why == http::error::header_limit ? 431
                     : why == http::error::body_limit ? 413
                                                      : 400;
  append_http_head(out_, status, "text/plain", why.message().size() + 1, {}, false);
  out_.append(why.message()).append("\n");
  close_when_flushed_ = true;
}

// ---- answering ---------------------------------------------------------------------------------

void http_connection::respond(int status, std::string_view content_type, std::string_view body,
                              std::string_view headers) {
  append_http_head(out_, status, content_type, body.size(), headers, !close_when_flushed_);
  if (request_.method() != "HEAD") out_.append(body);
  finish(true);
}

void http_connection::begin(int status, std::string_view content_type, std::string_view headers) {
  chunked_ = request_.version_ >= 11;
  out_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out_.append(http_status_text(status)).append("\r\nContent-Type: ").append(content_type);
  out_.append(chunked_ ? "\r\nTransfer-Encoding: chunked\r\n" : "\r\n").append(headers);
  out_.append(close_when_flushed_ ? "Connection: close\r\n\r\n" : "\r\n");
}

void http_connection::write(std::string_view chunk) {
  if (chunk.empty()) return;  // an empty chunk would end the body
  if (!chunked_) return raw(chunk);
  char size[16];
  auto* at = std::end(size);
  for (auto n = chunk.size(); n > 0; n >>= 4) *--at = "0123456789abcdef"[n & 15];
  out_.append(at, std::end(size)).append("\r\n").append(chunk).append("\r\n");
}

void http_connection::end() {
  if (chunked_) out_.append("0\r\n\r\n");
  finish(true);
}

void http_connection::drained(std::function<void()> f) {
  drained_ = std::move(f);
  flush();
}

void http_connection::after(duration d, std::function<void()> f) {
  if (!timer_) timer_.emplace(loop_.context);
  timer_->expires_after(d);
  timer_->async_wait(
      [self = shared_from_this(), serial = serial_, f = std::move(f)](error_code ec) {
        if (!ec && self->is_current(serial)) self->scoped(f);
      });
}

void http_connection::close() {
  close_when_flushed_ = true;
  finish(false);
}

void http_connection::finish(bool answered) {
  busy_ = false;
  ++serial_;
  parser_.reset();
  drained_ = nullptr;
  if (timer_) timer_->cancel();
  if (auto over = std::exchange(over_, nullptr)) over(answered);
}

// ---- writing -----------------------------------------------------------------------------------

void http_connection::flush() {
  if (writing_ || closed_) return;
  if (!out_.empty()) {
    error_code ec;
    const auto sent = write_now(out_, ec);
    if (ec) return gone();
    if (sent < out_.size()) {
      out_.erase(0, sent);
      std::swap(out_, in_flight_);
      writing_ = true;
      return async_write(in_flight_);
    }
    out_.clear();
    touched_ = loop_.tick;
  }
  on_flushed();
}

void http_connection::on_written(const error_code& ec) {
  writing_ = false;
  in_flight_.clear();
  if (closed_) return;
  if (ec) return gone();
  touched_ = loop_.tick;
  scoped([] {});
}

void http_connection::on_flushed() {
  if (drained_) {
    // Posted, so that a stream that is written as fast as it drains does not recurse.
    asio::post(loop_.context,
               [self = shared_from_this(), serial = serial_, f = std::exchange(drained_, nullptr)] {
                 if (self->is_current(serial)) self->scoped(f);
               });
  }
  if (close_when_flushed_ && !busy_ && !lingering_) {
    lingering_ = true;
    shut_down();
  }
}

// ---- the end -----------------------------------------------------------------------------------

void http_connection::gone(bool with_reset) {
  if (closed_) return;
  const auto keep = shared_from_this();
  closed_ = true;
  error_code ignored;
  if (with_reset) socket().set_option(asio::socket_base::linger(true, 0), ignored);
  socket().close(ignored);
  if (busy_) finish(false);
  loop_.remove(this);
}

void http_connection::check(std::uint32_t tick) {
  const auto idle = tick - touched_;
  const bool waiting_for_client = !busy_ || writing_;
  if ((lingering_ && idle >= linger_ticks) || (handshaking_ && idle >= handshake_ticks) ||
      (waiting_for_client && idle >= static_cast<std::uint64_t>(loop_.options.idle_max.count())))
    gone();
}

void http_connection::drain() {
  if (!busy_ && !writing_) return gone();
  close_when_flushed_ = true;
}

// ---- TCP ---------------------------------------------------------------------------------------

plain_connection::plain_connection(http_server_loop& loop, asio::ip::tcp::socket socket)
    : http_connection(loop), socket_(std::move(socket)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
}

std::shared_ptr<plain_connection> plain_connection::self() {
  return std::static_pointer_cast<plain_connection>(shared_from_this());
}

void plain_connection::start() { read(); }

void plain_connection::async_read(char* at, std::size_t size) {
  socket_.async_read_some(asio::buffer(at, size),
                          [self = self()](error_code ec, std::size_t n) { self->on_read(ec, n); });
}

std::size_t plain_connection::write_now(std::string_view bytes, error_code& ec) {
  const auto sent = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec);
  if (ec == asio::error::would_block || ec == asio::error::try_again) ec.clear();
  return sent;
}

void plain_connection::async_write(std::string_view bytes) {
  asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                    [self = self()](error_code ec, std::size_t) { self->on_written(ec); });
}

void plain_connection::shut_down() {
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  if (loop_.draining) gone();
}

// ---- TLS ---------------------------------------------------------------------------------------

tls_connection::tls_connection(http_server_loop& loop, asio::ip::tcp::socket socket,
                               asio::ssl::context& tls)
    : http_connection(loop), stream_(std::move(socket), tls) {}

std::shared_ptr<tls_connection> tls_connection::self() {
  return std::static_pointer_cast<tls_connection>(shared_from_this());
}

void tls_connection::start() {
  handshaking_ = true;
  stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](error_code ec) {
    self->handshaking_ = false;
    if (ec) return self->gone();
    self->read();
  });
}

void tls_connection::async_read(char* at, std::size_t size) {
  stream_.async_read_some(asio::buffer(at, size),
                          [self = self()](error_code ec, std::size_t n) { self->on_read(ec, n); });
}

void tls_connection::async_write(std::string_view bytes) {
  asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                    [self = self()](error_code ec, std::size_t) { self->on_written(ec); });
}

void tls_connection::shut_down() {
  stream_.async_shutdown([self = self()](error_code) { self->gone(); });
}

}  // namespace graphbit
