#include "client_connection.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace graphbit {

namespace {

/// After this many bytes in a row the other connections get their turn.
constexpr std::size_t turn_bytes_max = 1024 * 1024;
/// A decoded piece that is handed over at once.
constexpr std::size_t decoded_piece_bytes = 64 * 1024;
/// Idle timeouts from here on are left to the sweep.
constexpr milliseconds near_deadline{300};

std::string name_of(const origin& at) {
  return at.unix_path.empty() ? at.host + ':' + std::to_string(at.port) : at.unix_path;
}

}  // namespace

time_point later_by(time_point at, milliseconds wait) noexcept {
  return wait >= never - at ? never : at + wait;
}

client_connection::client_connection(const surroundings& around)
    : around_(around), parser_(around.options.header_bytes_max) {}

client_connection::~client_connection() { close(); }

// --- getting ready ------------------------------------------------------------------------------

void client_connection::open(client_exchange& exchange) {
  exchange_ = &exchange;
  phase_since_ = steady_clock::now();
  connector_ = std::make_unique<socket_connector>(
      around_.home, around_.poller,
      [this](expected<owned_socket> socket) { connected(std::move(socket)); });
  const auto& proxy = around_.proxy;
  connector_->start(proxy ? proxy->at : around_.at,
                    proxy ? "the proxy " + proxy->at.authority() : name_of(around_.at));
  around_.pool.note_deadline(deadline().first);
}

void client_connection::connected(expected<owned_socket> socket) {
  if (!socket) return lose(std::move(socket.error()));
  socket_ = std::move(*socket);
  around_.poller.change(socket_.get(), *this);
  transport_ = make_plain_transport(socket_.get());
  if (!around_.proxy || around_.tls == nullptr) return begin_to_secure();
  phase_ = phase::tunnelling;
  tunnel_ = std::make_unique<proxy_tunnel>(*around_.proxy, around_.at);
  tunnel();
}

void client_connection::tunnel() {
  switch (tunnel_->step(*transport_)) {
    case io_status::done:
      tunnel_.reset();
      return begin_to_secure();
    case io_status::would_block:
      return;
    default:
      return lose(tunnel_->fault());
  }
}

void client_connection::begin_to_secure() {
  if (around_.tls != nullptr)
    transport_ = around_.tls->connect(socket_.get(), around_.at.host, around_.tls_sessions);
  phase_ = phase::securing;
  phase_since_ = steady_clock::now();
  around_.pool.note_deadline(deadline().first);
  secure();
}

void client_connection::secure() {
  switch (transport_->handshake()) {
    case io_status::done:
      break;
    case io_status::would_block:
      return;
    default:
      return lose(transport_->fault());
  }
  phase_ = phase::idle;
  around_.pool.opened(*this, *std::exchange(exchange_, nullptr));
}

void client_connection::on_ready(std::uint32_t events) {
  if (transport_) {
    if ((events & EPOLLIN) != 0) transport_->note_readable();
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) transport_->note_ending();
  }
  switch (phase_) {
    case phase::tunnelling:
      return tunnel();
    case phase::securing:
      return secure();
    case phase::idle:
      return check_idle();
    case phase::busy:
      if (!all_sent()) write_more();
      return read_more();
    default:
      return;
  }
}

/// Nothing may come while no request is out, but TLS's own messages.
void client_connection::check_idle() {
  const auto got = transport_->read_some(around_.pool.buffer().data(), 1);
  if (got.status != io_status::would_block) lose(network_error("the server closed the connection"));
}

void client_connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  exchange_ = nullptr;
  if (connector_) connector_->give_up();
  if (!socket_) return;
  if (transport_) transport_->close_notify();
  around_.poller.remove(socket_.get());
  socket_.reset();
}

void client_connection::lose(error why) {
  auto* const exchange = std::exchange(exchange_, nullptr);
  close();
  around_.pool.broke(*this, exchange, std::move(why));
}

// --- asking -------------------------------------------------------------------------------------

void client_connection::send(client_exchange& exchange) {
  assert(phase_ == phase::idle);
  phase_ = phase::busy;
  exchange_ = &exchange;
  reused_ = std::exchange(was_idle, false);
  sent_ = 0;
  write_fault_.reset();
  exchange.response.headers.reserve_usual();
  parser_.start(exchange.response.headers, exchange.request.method == "HEAD");
  write_more();
  if (write_fault_) around_.pool.again(*this);
}

bool client_connection::all_sent() const noexcept {
  return write_fault_ || sent_ == head_.size() + exchange_->request.body.size();
}

void client_connection::write_more() {
  const std::string_view head = head_, body = exchange_->request.body;
  while (sent_ < head.size() + body.size()) {
    const auto body_from = sent_ > head.size() ? sent_ - head.size() : 0;
    const auto moved =
        transport_->write_some(head.substr(std::min(sent_, head.size())), body.substr(body_from));
    if (moved.status == io_status::would_block) return;
    if (moved.status != io_status::done) {
      // The server may have answered before it closed (413, 401): reading goes on and finds out.
      write_fault_ = transport_->fault();
      transport_->note_readable();
      return;
    }
    sent_ += moved.bytes;
  }
}

// --- the answer ---------------------------------------------------------------------------------

void client_connection::read_more() {
  if (phase_ != phase::busy) return;
  last_read_ = steady_clock::now();
  if (exchange_->timeouts.idle < near_deadline) around_.pool.note_deadline(deadline().first);
  for (std::size_t taken = 0; phase_ == phase::busy && !exchange_->paused;) {
    if (taken >= turn_bytes_max) return around_.pool.again(*this);
    if (!may_hold_more()) return;
    const auto into = around_.pool.buffer();
    const auto got = transport_->read_some(into.data(), into.size());
    switch (got.status) {
      case io_status::would_block:
        return;
      case io_status::eof:
        return ended();
      case io_status::failed:
        return lose(transport_->fault());
      case io_status::done:
        break;
    }
    taken += got.bytes;
    take(into.first(got.bytes));
  }
}

/// Asks the process's budget before more of a collected body is read.
bool client_connection::may_hold_more() {
  auto& e = *exchange_;
  if (!e.collects() || e.response.body.empty()) return true;
  const auto planned =
      e.decoder ? 0 : static_cast<std::size_t>(parser_.content_length().value_or(0));
  e.starved =
      !e.share.grow_to(std::max(planned, e.response.body.size() + around_.pool.buffer().size()));
  return !e.starved;
}

void client_connection::take(std::span<char> received) {
  using event = http_response_parser::event;
  std::string_view input(received.data(), received.size());
  gathered_ = {};
  while (phase_ == phase::busy) {
    switch (parser_.next(input)) {
      case event::head_complete:
        if (!begin_body()) return;
        break;
      case event::body:
        if (!add_body(parser_.bytes())) return;
        break;
      case event::need_more:
        return hand_over();
      case event::complete:
        hand_over();
        if (phase_ == phase::busy) finish(input.empty());
        return;
      case event::failed:
        hand_over();
        if (phase_ == phase::busy) lose(parser_.fault());
        return;
    }
  }
}

/// The head is there. False: the exchange is over.
bool client_connection::begin_body() {
  auto& e = *exchange_;
  e.response.status = parser_.status();
  if (const auto coding = e.response.headers.get("content-encoding"); !coding.empty()) {
    auto made = content_decoder::make(coding);
    if (!made) {
      lose(std::move(made.error()));
      return false;
    }
    e.decoder = std::move(*made);
  }
  if (!e.collects()) {
    e.handler->on_headers(e.response);
    return phase_ == phase::busy;
  }
  const auto length = parser_.content_length().value_or(0);
  if (length > around_.options.body_bytes_max) {
    lose(too_large());
    return false;
  }
  if (!e.decoder) e.response.body.reserve(static_cast<std::size_t>(length));
  return true;
}

bool client_connection::add_body(std::string_view bytes) {
  auto& e = *exchange_;
  if (e.decoder) return decode_body(bytes);
  if (!e.collects()) {
    gather(bytes);
    return true;
  }
  if (bytes.size() > around_.options.body_bytes_max - e.response.body.size()) {
    lose(too_large());
    return false;
  }
  e.response.body.append(bytes);
  return true;
}

bool client_connection::decode_body(std::string_view bytes) {
  auto& e = *exchange_;
  for (bool more = true; more;) {
    auto& into = e.response.body;
    const auto held = e.streamed_bytes + into.size();
    if (held >= around_.options.body_bytes_max) {
      lose(too_large());
      return false;
    }
    auto decoded = e.decoder->decode(
        bytes, into, std::min(decoded_piece_bytes, around_.options.body_bytes_max - held));
    if (!decoded) {
      lose(std::move(decoded.error()));
      return false;
    }
    more = *decoded;
    if (e.collects() || into.empty()) continue;
    const auto piece = std::exchange(into, {});
    e.streamed_bytes += piece.size();
    e.handler->on_data(piece);
    if (phase_ != phase::busy) return false;
  }
  return true;
}

/// Moves the pieces that chunks cut a receive into together, so that it is handed over in one call.
void client_connection::gather(std::string_view bytes) {
  auto* const from = const_cast<char*>(bytes.data());  // in the owner's buffer
  if (gathered_.empty()) {
    gathered_ = {from, bytes.size()};
    return;
  }
  auto* const end = gathered_.data() + gathered_.size();
  std::memmove(end, from, bytes.size());
  gathered_ = {gathered_.data(), gathered_.size() + bytes.size()};
}

void client_connection::hand_over() {
  if (gathered_.empty()) return;
  const auto bytes = std::exchange(gathered_, {});
  exchange_->handler->on_data({bytes.data(), bytes.size()});
}

/// The answer is complete.
void client_connection::finish(bool nothing_left) {
  if (exchange_->decoder)
    if (auto whole = exchange_->decoder->finish(); !whole) return lose(std::move(whole.error()));
  auto* const exchange = exchange_;
  const bool reusable = parser_.keep_alive() && nothing_left && all_sent() && !write_fault_;
  // Bytes that nobody asked for must not become the next request's answer.
  const bool silent = reusable && (!transport_->may_be_readable() ||
                                   transport_->read_some(around_.pool.buffer().data(), 1).status ==
                                       io_status::would_block);
  exchange_ = nullptr;
  phase_ = phase::idle;
  if (!silent) close();
  around_.pool.answered(*this, *exchange);
}

/// The server closed the connection.
void client_connection::ended() {
  if (parser_.finish() == http_response_parser::event::complete) return finish(false);
  lose(write_fault_ ? *write_fault_ : parser_.fault());
}

error client_connection::too_large() const {
  return resource_error("response_body_bytes", "the response's body is larger than " +
                                                   std::to_string(around_.options.body_bytes_max) +
                                                   " bytes");
}

// --- deadlines ----------------------------------------------------------------------------------

std::pair<time_point, std::string_view> client_connection::deadline() const noexcept {
  using named_time = std::pair<time_point, std::string_view>;
  const auto& clocks = exchange_->timeouts;
  named_time next{clocks.total_at, "request"};
  const auto consider = [&next](time_point at, std::string_view name) {
    if (at < next.first) next = {at, name};
  };
  if (!parser_.begun()) consider(clocks.first_byte_at, "first_byte");
  if (phase_ == phase::connecting || phase_ == phase::tunnelling)
    consider(later_by(phase_since_, clocks.connect), "connect");
  if (phase_ == phase::securing) consider(later_by(phase_since_, clocks.tls), "tls_handshake");
  const bool reading = phase_ == phase::busy && !exchange_->paused && !exchange_->starved;
  if (reading && parser_.begun()) consider(later_by(last_read_, clocks.idle), "idle");
  return next;
}

}  // namespace graphbit
