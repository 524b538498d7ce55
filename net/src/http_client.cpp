#include <graphbit/net/http_client.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include <graphbit/runtime/reactor.hpp>

#include "cassette/cassette_recorder.hpp"
#include "client_connection.hpp"
#include "client_exchange.hpp"
#include "http_proxy.hpp"
#include "socket_poller.hpp"
#include "tls_context.hpp"

namespace graphbit {

namespace {

constexpr std::size_t buffer_bytes = 128 * 1024;
/// Deadlines nearer than this are not left to the sweep, which comes every 100 ms.
constexpr milliseconds sweep_horizon{300};

std::size_t default_connections_max() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return limits::connections_per_origin_max;
  return std::clamp<std::size_t>(files.rlim_cur / 2, 1, limits::connections_per_origin_max);
}

bool is_target(std::string_view text) {
  return !text.empty() &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c <= ' '; });
}

/// One attempt's own clocks are the provider's failure, as its 408 and 504 are: there may be time
/// for another attempt. Nothing is left of it when the whole request's clock has run out.
error timed_out(std::string_view operation, milliseconds waited, const origin& at) {
  auto e = timeout_error(std::string(operation), waited,
                         "no answer in time from " + at.authority() +
                             ": is the server overloaded, or the timeout too short?");
  if (operation == "request") return e;
  e.retry = retry_rule::transient;
  e.breaker = breaker_rule::counts;
  return e;
}

}  // namespace

/// The pool and the exchanges of one client.
///
/// Everything runs in turns on the reactor's thread: events of sockets, the sweep, and what was
/// posted. Connections that are lost in a turn are destroyed at its end, because frames further
/// up the stack may still be inside them.
class http_client::impl final : public socket_poller::owner,
                                public client_connection::owner,
                                public std::enable_shared_from_this<impl> {
 public:
  impl(reactor& home, origin at, http_client_options options)
      : home_(home),
        at_(std::move(at)),
        options_(std::move(options)),
        connections_max_(options_.connections_max != 0 ? options_.connections_max
                                                       : default_connections_max()),
        connections_now_max_(connections_max_),
        buffer_(std::make_unique<char[]>(buffer_bytes)),
        near_timer_(home.context()),
        idle_timer_(home.context()) {}

  /// What needs a weak pointer to this.
  void begin() {
    poller_.emplace(home_, weak_from_this());
    around_.emplace(client_connection::surroundings{home_, *poller_, *this, at_, options_,
                                                    tls_sessions_, nullptr, std::nullopt});
    auto proxy = choose_proxy();
    if (proxy)
      around_->proxy = std::move(*proxy);
    else
      unusable_ = std::move(proxy.error());
    request_line_end_ = " HTTP/1.1\r\nHost: " + at_.authority() + "\r\n";
    if (!around_->proxy || at_.tls) return;
    // Plain requests go to a proxy whole, with the origin in their first line.
    request_line_begin_ = "http://" + at_.authority();
    if (const auto& authorization = around_->proxy->authorization; !authorization.empty())
      request_line_end_ += "Proxy-Authorization: " + authorization + "\r\n";
  }

  // --- the client's door -----------------------------------------------------------------------

  exchange_id start(http_request request, const http_timeouts& timeouts, http_handler& handler,
                    bool warm_up) {
    assert(home_.here());
    auto& e = take_slot();
    e.handler = &handler;
    e.request = std::move(request);
    e.timeouts = timeouts;
    e.warm_up = warm_up;
    e.started_at = coarse_now_ = steady_clock::now();
    sweep();
    note_deadline(std::min(timeouts.total_at, timeouts.first_byte_at));
    const auto id = e.id;
    if (stopping_) return id;
    if (!warm_up && (e.request.target == nullptr || !is_target(*e.request.target)))
      fail_soon(e, validation_error("target",
                                    "the request's path holds a space or control "
                                    "character: percent-encode it"));
    else if (!on_cassette(e))
      place(e);
    return id;
  }

  void cancel(exchange_id id) {
    const turn here(*this);
    if (auto* e = find(id)) drop(*e);
  }

  void pause(exchange_id id) {
    if (auto* e = find(id)) e->paused = true;
  }

  void resume(exchange_id id) {
    auto* e = find(id);
    if (e == nullptr || !e->paused) return;
    e->paused = false;
    if (e->connection != nullptr) again(*e->connection);
    if (e->replay) replay_soon(*e);
  }

  [[nodiscard]] http_pool_stats stats() const {
    http_pool_stats all = counted_;
    all.open = connections_.size();
    all.idle = idle_.size();
    all.waiting = waiting_count_;
    return all;
  }

  /// Completes every exchange with a cancelled error and closes every connection.
  void stop() {
    const turn here(*this);
    stopping_ = true;
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i]->id != 0) fail(*slots_[i], cancelled_error("the HTTP request"));
    while (!connections_.empty()) remove(*connections_.back());
    near_timer_.cancel();
    idle_timer_.cancel();
    poller_.reset();
  }

 private:
  /// Marks that code of this client runs; at the end of the outermost, lost connections go.
  class turn {
   public:
    explicit turn(impl& of) : of_(of), alive_(of.shared_from_this()) { of_.turn_begins(); }
    ~turn() { of_.turn_ends(); }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    impl& of_;
    std::shared_ptr<impl> alive_;
  };

  [[nodiscard]] expected<std::optional<http_proxy>> choose_proxy() const {
    if (!at_.unix_path.empty() || options_.proxy == "") return std::nullopt;
    if (!options_.proxy)
      return proxy_for(at_, [](const char* name) -> const char* { return std::getenv(name); });
    auto named = parse_proxy(*options_.proxy);
    if (!named) return graphbit::fail(std::move(named.error()));
    return std::move(*named);
  }

  void turn_begins() override { ++turns_; }
  void turn_ends() override {
    if (--turns_ == 0) lost_.clear();
  }
  /// Runs `f` in a turn of its own, if this client is still there.
  template <class F>
  void soon(F f) {
    home_.post([weak = weak_from_this(), f = std::move(f)]() mutable {
      const auto self = weak.lock();
      if (!self || self->stopping_) return;
      const turn here(*self);
      f(*self);
    });
  }

  // --- exchanges -------------------------------------------------------------------------------

  // An id is the slot's number (from 1) below 32 bits of how often the slot was used.
  static constexpr unsigned slot_bits = 32;

  client_exchange& take_slot() {
    if (free_slots_.empty()) {
      free_slots_.push_back(slots_.size());
      slots_.push_back(std::make_unique<client_exchange>());
    }
    const auto slot = free_slots_.back();
    free_slots_.pop_back();
    ++active_;
    auto& e = *slots_[slot];
    e.id = (++uses_ << slot_bits) | (slot + 1);
    return e;
  }

  void free_slot(client_exchange& e) {
    const auto slot = static_cast<std::size_t>(e.id & 0xffffffffu) - 1;
    e.id = 0;
    e.handler = nullptr;
    e.request = {};
    e.connection = nullptr;
    e.decoder.reset();
    e.streamed_bytes = 0;
    e.share.reset();
    e.recorder.reset();
    e.replay.reset();
    e.replayed = 0;
    e.warm_up = e.retried = e.paused = e.replay_due = e.starved = false;
    e.response = {};
    --active_;
    free_slots_.push_back(slot);
  }

  [[nodiscard]] client_exchange* find(exchange_id id) const {
    const auto slot = static_cast<std::size_t>(id & 0xffffffffu) - 1;
    return id != 0 && slot < slots_.size() && slots_[slot]->id == id ? slots_[slot].get() : nullptr;
  }

  /// Ends an exchange with a response or an error.
  void complete(client_exchange& e, expected<http_response> result) {
    auto* const handler = e.handler;
    const auto recorder = std::move(e.recorder);  // may be that handler
    free_slot(e);
    handler->on_done(std::move(result));
  }

  void fail(client_exchange& e, error why) {
    detach(e);
    complete(e, graphbit::fail(std::move(why)));
  }

  void fail_soon(client_exchange& e, error why) {
    soon([id = e.id, why = std::move(why)](impl& self) mutable {
      if (auto* found = self.find(id)) self.fail(*found, std::move(why));
    });
  }

  /// Ends an exchange without a word to its handler.
  void drop(client_exchange& e) {
    detach(e);
    free_slot(e);
  }

  /// Takes an exchange off the pool; its connection is closed.
  void detach(client_exchange& e) {
    if (auto* connection = std::exchange(e.connection, nullptr)) {
      remove(*connection);
      serve_waiting();
    } else if (e.waiting) {
      e.waiting = false;
      --waiting_count_;
    }
  }

  // --- cassettes -------------------------------------------------------------------------------

  /// True: a cassette stands in the network's place.
  [[nodiscard]] bool on_cassette(client_exchange& e) {
    auto tape = cassette_tape::in_use();
    if (!tape) return fail_soon(e, std::move(tape.error())), true;
    if (*tape == nullptr) return false;
    const auto url = (at_.tls ? "https://" : "http://") + at_.authority() +
                     (e.warm_up ? std::string() : *e.request.target);
    if (!(*tape)->replays()) {
      if (e.warm_up) return false;
      e.recorder = std::make_unique<cassette_recorder>(*tape, url, e.request, *e.handler);
      e.handler = e.recorder.get();
      return false;
    }
    if (e.warm_up) return complete_soon(e), true;
    const secret_removal secrets(e.request.headers ? *e.request.headers : std::string(),
                                 e.request.extra_headers);
    auto found =
        (*tape)->find(e.request.method, secrets.from_url(url), secrets.from_body(e.request.body));
    if (!found) return fail_soon(e, std::move(found.error())), true;
    e.replay = std::move(*found);
    replay_soon(e);
    return true;
  }

  void replay_soon(client_exchange& e) {
    if (std::exchange(e.replay_due, true)) return;
    soon([id = e.id](impl& self) {
      if (auto* found = self.find(id)) self.replay_step(*found);
    });
  }

  /// A whole answer at once; of a stream one piece, then the loop of the reactor has its turn.
  void replay_step(client_exchange& e) {
    e.replay_due = false;
    if (e.paused) return;
    const auto id = e.id;
    const auto tape = e.replay;
    const auto step = e.replayed++;
    if (step == 0) begin_replay(e, *tape);
    if (e.collects() || step > tape->chunks.size()) return complete(e, std::move(e.response));
    if (step == 0)
      e.handler->on_headers(e.response);
    else
      e.handler->on_data(tape->chunks[step - 1]);
    if (auto* still = find(id)) replay_soon(*still);
  }

  static void begin_replay(client_exchange& e, const recorded_exchange& tape) {
    e.response.status = tape.status;
    for (const auto& [name, value] : tape.headers) e.response.headers.add(name, value);
    if (!e.collects()) return;
    for (const auto& chunk : tape.chunks) e.response.body += chunk;
  }

  // --- the pool --------------------------------------------------------------------------------

  /// Gives an exchange a connection, or a place in the queue.
  void place(client_exchange& e) {
    if (!idle_.empty()) {
      auto& connection = *idle_.back();
      idle_.pop_back();
      if (e.warm_up) return soon_ready(e, connection);
      ++counted_.reused;
      connection.was_idle = true;
      send(connection, e);
    } else if (connections_.size() < connections_now_max_) {
      open(e);
    } else {
      enqueue(e);
    }
  }

  void enqueue(client_exchange& e) {
    e.waiting = true;
    ++waiting_count_;
    waiting_.push_back(e.id);
  }

  /// A warm connection was asked for and one is there.
  void soon_ready(client_exchange& e, client_connection& connection) {
    rest(connection);
    complete_soon(e);
  }

  /// A warm-up has nothing to answer but that it ended well.
  void complete_soon(client_exchange& e) {
    soon([id = e.id](impl& self) {
      if (auto* found = self.find(id)) self.complete(*found, http_response{});
    });
  }

  void open(client_exchange& e) {
    if (unusable_) return fail_soon(e, *unusable_);
    if (at_.tls && around_->tls == nullptr) {
      auto context = tls_context::of(options_.tls);
      if (!context) return fail_soon(e, std::move(context.error()));
      around_->tls = std::move(*context);
    }
    connections_.push_back(std::make_unique<client_connection>(*around_));
    auto& connection = *connections_.back();
    connection.pool_index = connections_.size() - 1;
    e.connection = &connection;
    connection.open(e);
  }

  void send(client_connection& connection, client_exchange& e) {
    e.connection = &connection;
    write_head(connection.head_for_writing(), e.request);
    connection.send(e);
  }

  void write_head(std::string& head, const http_request& request) const {
    head.clear();
    head.append(request.method).append(1, ' ').append(request_line_begin_);
    head.append(*request.target).append(request_line_end_);
    if (request.headers) head.append(*request.headers);
    head.append(request.extra_headers);
    const bool may_lack_body = request.method == "GET" || request.method == "HEAD" ||
                               request.method == "DELETE" || request.method == "OPTIONS";
    if (!request.body.empty() || !may_lack_body) {
      std::array<char, 24> number{};
      const auto end =
          std::to_chars(number.data(), number.data() + number.size(), request.body.size()).ptr;
      head.append("Content-Length: ").append(number.data(), end).append("\r\n");
    }
    head.append("\r\n");
  }

  /// Puts a connection aside for the next exchange.
  void rest(client_connection& connection) {
    connection.idle_since = coarse_now_;
    idle_.push_back(&connection);
    if (!idle_timer_armed_) arm_idle_timer(connection.idle_since + options_.idle_max);
  }

  /// Forgets a connection; it is destroyed at the end of the turn.
  void remove(client_connection& connection) {
    std::erase(idle_, &connection);
    connection.close();
    const auto at = connection.pool_index;
    lost_.push_back(std::move(connections_[at]));
    if (at + 1 != connections_.size()) {
      connections_[at] = std::move(connections_.back());
      connections_[at]->pool_index = at;
    }
    connections_.pop_back();
  }

  /// Gives connections to those who wait, in the order they came.
  void serve_waiting() {
    while (!waiting_.empty() && !stopping_ &&
           (!idle_.empty() || connections_.size() < connections_now_max_)) {
      auto* e = find(waiting_.front());
      waiting_.pop_front();
      if (e == nullptr || !e->waiting) continue;  // cancelled meanwhile
      e->waiting = false;
      --waiting_count_;
      place(*e);
    }
  }

  // --- what connections report ------------------------------------------------------------------

  void opened(client_connection& connection, client_exchange& e) override {
    const turn here(*this);
    ++counted_.opened;
    if (!e.warm_up) return send(connection, e);
    e.connection = nullptr;
    rest(connection);
    serve_waiting();
    complete(e, http_response{});
  }

  void answered(client_connection& connection, client_exchange& e) override {
    const turn here(*this);
    e.connection = nullptr;
    if (connection.now_in() == client_connection::phase::idle)
      rest(connection);
    else
      remove(connection);
    if (waiting_count_ != 0) serve_waiting();
    complete(e, std::move(e.response));
  }

  void broke(client_connection& connection, client_exchange* e, error why) override {
    const turn here(*this);
    const bool stale = connection.reused() && !connection.answer_begun();
    remove(connection);
    if (e == nullptr) return serve_waiting();
    e->connection = nullptr;
    if (stale && !e->retried) {
      e->retried = true;
      ++counted_.forgiven;
      return open(*e);
    }
    if (why.resource_type == "file_descriptors" && !connections_.empty()) {
      // Others took the rest of the process's descriptors: live with what is open, for now.
      connections_now_max_ = connections_.size();
      e->waiting = true;
      ++waiting_count_;
      return waiting_.push_front(e->id);
    }
    serve_waiting();
    complete(*e, graphbit::fail(std::move(why)));
  }

  void again(client_connection& connection) override {
    if (connection.exchange() == nullptr) return;
    soon([id = connection.exchange()->id](impl& self) {
      const auto* e = self.find(id);
      if (e != nullptr && e->connection != nullptr) e->connection->on_ready(0);
    });
  }

  [[nodiscard]] std::span<char> buffer() noexcept override { return {buffer_.get(), buffer_bytes}; }

  // --- time ------------------------------------------------------------------------------------

  /// Joins the reactor's sweep while exchanges are under way.
  void sweep() {
    if (std::exchange(sweeping_, true)) return;
    home_.sweep([weak = weak_from_this()](time_point now) {
      const auto self = weak.lock();
      if (!self || self->stopping_) return false;
      const turn here(*self);
      self->check_deadlines(now);
      self->sweeping_ = self->active_ != 0 && !self->stopping_;
      return self->sweeping_;
    });
  }

  void note_deadline(time_point at) override {
    if (at >= near_at_ || at > coarse_now_ + sweep_horizon) return;
    near_at_ = at;
    near_timer_.expires_at(at);
    near_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto self = cancelled ? nullptr : weak.lock();
      if (!self || self->stopping_) return;
      const turn here(*self);
      self->near_at_ = never;
      self->check_deadlines(steady_clock::now());
    });
  }

  /// Fails what is overdue, lets starved bodies try again, and arms the timer for what comes due
  /// before the next sweep.
  void check_deadlines(time_point now) {
    coarse_now_ = now;
    auto next = never;
    for (std::size_t i = 0; i < slots_.size(); ++i) {  // handlers may add slots meanwhile
      auto* e = slots_[i].get();
      if (e->id == 0) continue;
      const auto [at, operation] = deadline_of(*e);
      if (at <= now)
        fail(*e, timed_out(operation, waited(*e, operation, now), at_));
      else if (e->starved)
        e->connection->read_more();
      if (e->id != 0 && at > now) next = std::min(next, at);
    }
    note_deadline(next);
    if (connections_now_max_ < connections_max_) {
      ++connections_now_max_;
      serve_waiting();
    }
  }

  [[nodiscard]] static std::pair<time_point, std::string_view> deadline_of(
      const client_exchange& e) {
    if (e.connection != nullptr && e.connection->exchange() == &e) return e.connection->deadline();
    if (e.timeouts.first_byte_at < e.timeouts.total_at)
      return {e.timeouts.first_byte_at, "first_byte"};
    return {e.timeouts.total_at, "request"};
  }

  [[nodiscard]] static milliseconds waited(const client_exchange& e, std::string_view operation,
                                           time_point now) {
    if (operation == "connect") return e.timeouts.connect;
    if (operation == "tls_handshake") return e.timeouts.tls;
    if (operation == "idle") return e.timeouts.idle;
    return std::chrono::duration_cast<milliseconds>(now - e.started_at);
  }

  /// Wakes once for the connection that has rested longest; an idle process has no other timer.
  void arm_idle_timer(time_point at) {
    idle_timer_armed_ = true;
    idle_timer_.expires_at(at);
    idle_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto self = cancelled ? nullptr : weak.lock();
      if (!self || self->stopping_) return;
      const turn here(*self);
      self->close_rested(steady_clock::now());
    });
  }

  void close_rested(time_point now) {
    idle_timer_armed_ = false;
    const auto old = now - options_.idle_max;
    while (!idle_.empty() && idle_.front()->idle_since <= old) remove(*idle_.front());
    if (!idle_.empty()) arm_idle_timer(idle_.front()->idle_since + options_.idle_max);
  }

  reactor& home_;
  const origin at_;
  const http_client_options options_;
  const std::size_t connections_max_;
  std::size_t connections_now_max_;                    // less while the process lacks descriptors
  std::string request_line_begin_, request_line_end_;  // around the target
  std::optional<error> unusable_;                      // why no connection can be made at all
  const std::unique_ptr<char[]> buffer_;
  tls_session_slot tls_sessions_;

  std::vector<std::unique_ptr<client_exchange>> slots_;
  std::vector<std::size_t> free_slots_;
  std::deque<exchange_id> waiting_;  // may hold ids that are gone
  std::size_t waiting_count_ = 0;
  std::size_t active_ = 0;
  std::uint64_t uses_ = 0;

  std::optional<socket_poller> poller_;  // outlives the connections
  std::optional<client_connection::surroundings> around_;
  std::vector<std::unique_ptr<client_connection>> connections_;
  std::vector<client_connection*> idle_;  // the last used one is taken first
  std::vector<std::unique_ptr<client_connection>> lost_;
  http_pool_stats counted_;

  boost::asio::steady_timer near_timer_;
  boost::asio::steady_timer idle_timer_;
  time_point near_at_ = never;
  time_point coarse_now_ = steady_clock::now();
  std::size_t turns_ = 0;
  bool idle_timer_armed_ = false;
  bool sweeping_ = false;
  bool stopping_ = false;
};

http_client::http_client(reactor& home, origin at, http_client_options options)
    : impl_(std::make_shared<impl>(home, std::move(at), std::move(options))) {
  impl_->begin();
}

http_client::~http_client() { impl_->stop(); }

http_client::exchange_id http_client::start(http_request request, const http_timeouts& timeouts,
                                            http_handler& handler) {
  return impl_->start(std::move(request), timeouts, handler, false);
}

http_client::exchange_id http_client::warm_up(const http_timeouts& timeouts,
                                              http_handler& handler) {
  return impl_->start({}, timeouts, handler, true);
}

void http_client::cancel(exchange_id id) { impl_->cancel(id); }
void http_client::pause(exchange_id id) { impl_->pause(id); }
void http_client::resume(exchange_id id) { impl_->resume(id); }
http_pool_stats http_client::stats() const { return impl_->stats(); }

}  // namespace graphbit
