#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>  // before Asio: Boost 1.74's awaitable.hpp uses std::exchange without it

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <graphbit/runtime/clock.hpp>

namespace graphbit::testing {

/// What goes wrong on the way between a client and its server.
enum class network_fault : std::uint8_t {
  none,
  refuse,           ///< nothing listens
  stop_reading,     ///< accepted, and never read from
  never_answer,     ///< read, and never answered
  close_on_data,    ///< closed at the first bytes of a request
  corrupt,          ///< every `amount`th byte of answers is another, from the first on
  delay,            ///< each piece of an answer waits `amount` ms
  limit_bandwidth,  ///< answers pass at `amount` bytes per ms
  slice,            ///< answers come in single bytes
  reset_after,      ///< reset when `amount` bytes of an answer have passed
  half_open,        ///< after a connection's first answer its other end is gone without a word
};

/// A TCP proxy on 127.0.0.1 that does to each connection what it was told last. One thread of its
/// own; members may be called from any other.
class chaos_proxy {
 public:
  explicit chaos_proxy(std::uint16_t server_port)
      : server_{boost::asio::ip::address_v4::loopback(), server_port},
        acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
        at_(acceptor_.local_endpoint()) {
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~chaos_proxy() {
    context_.stop();
    thread_.join();
  }
  chaos_proxy(const chaos_proxy&) = delete;
  chaos_proxy& operator=(const chaos_proxy&) = delete;

  /// From now on; connections that are open change their ways as well.
  void set(network_fault fault, std::size_t amount = 0) {
    std::promise<void> done;
    boost::asio::post(context_, [&, this] {
      fault_ = fault;
      amount_ = amount;
      listen(fault != network_fault::refuse);
      done.set_value();
    });
    done.get_future().wait();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(at_.port()); }
  [[nodiscard]] std::uint64_t connections() const { return connections_; }

 private:
  using tcp = boost::asio::ip::tcp;
  using failure = boost::system::error_code;

  /// One client's connection and the one made for it to the server.
  class link : public std::enable_shared_from_this<link> {
   public:
    link(chaos_proxy& proxy, tcp::socket client)
        : proxy_(proxy),
          client_(std::move(client)),
          server_(proxy.context_),
          timer_(proxy.context_) {}

    void start() {
      if (proxy_.fault_ == network_fault::stop_reading) return linger();
      server_.async_connect(proxy_.server_, [self = shared_from_this()](failure failed) {
        if (failed) return self->close();
        self->client_.set_option(tcp::no_delay(true));
        self->read_request();
        self->read_answer();
      });
    }

   private:
    void read_request() {
      client_.async_read_some(boost::asio::buffer(request_),
                              [self = shared_from_this()](failure failed, std::size_t n) {
                                if (failed) return self->close();
                                self->pass_request(n);
                              });
    }
    void pass_request(std::size_t n) {
      const auto fault = proxy_.fault_;
      if (fault == network_fault::close_on_data) return close();
      const bool gone = fault == network_fault::half_open && answered_;
      if (fault == network_fault::never_answer || gone) return read_request();
      boost::asio::async_write(server_, boost::asio::buffer(request_.data(), n),
                               [self = shared_from_this()](failure failed, std::size_t) {
                                 if (failed) return self->close();
                                 self->read_request();
                               });
    }

    void read_answer() {
      server_.async_read_some(boost::asio::buffer(answer_),
                              [self = shared_from_this()](failure failed, std::size_t n) {
                                if (failed) return self->close();
                                self->size_ = n;
                                self->at_ = 0;
                                self->answered_ = true;
                                self->spoil();
                                self->pass_answer();
                              });
    }
    void spoil() {
      if (proxy_.fault_ != network_fault::corrupt) return;
      for (std::size_t i = 0; i < size_; i += proxy_.amount_) answer_[i] ^= 0x15;
    }
    // Passes the next piece of what was read: all of it, or as much as the fault lets through.
    void pass_answer() {
      if (at_ == size_) return read_answer();
      auto piece = size_ - at_;
      auto wait = duration{0};
      switch (proxy_.fault_) {
        case network_fault::slice:
          piece = 1;
          break;
        case network_fault::limit_bandwidth:
          piece = std::min(piece, proxy_.amount_);
          wait = milliseconds{1};
          break;
        case network_fault::delay:
          wait = milliseconds{proxy_.amount_};
          break;
        case network_fault::reset_after:
          piece = std::min(piece, proxy_.amount_ - std::min(proxy_.amount_, passed_));
          if (piece == 0) return reset();
          break;
        default:
          break;
      }
      if (wait == duration{0}) return write(piece);
      timer_.expires_after(wait);
      timer_.async_wait([self = shared_from_this(), piece](failure failed) {
        if (!failed) self->write(piece);
      });
    }
    void write(std::size_t piece) {
      boost::asio::async_write(client_, boost::asio::buffer(answer_.data() + at_, piece),
                               [self = shared_from_this(), piece](failure failed, std::size_t) {
                                 if (failed) return self->close();
                                 self->at_ += piece;
                                 self->passed_ += piece;
                                 self->pass_answer();
                               });
    }

    // Holds the connection without reading, until its client has closed it.
    void linger() {
      client_.async_wait(tcp::socket::wait_error,
                         [self = shared_from_this()](failure) { self->close(); });
    }
    void reset() {
      failure ignored;
      client_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
      close();
    }
    void close() {
      failure ignored;
      timer_.cancel();
      client_.close(ignored);
      server_.close(ignored);
    }

    chaos_proxy& proxy_;
    tcp::socket client_, server_;
    boost::asio::steady_timer timer_;
    std::array<char, 16384> request_{}, answer_{};
    std::size_t size_ = 0, at_ = 0;  // of the answer's piece in hand
    std::size_t passed_ = 0;         // bytes of answers that reached the client
    bool answered_ = false;
  };

  void accept() {
    acceptor_.async_accept([this](failure failed, tcp::socket client) {
      if (failed) return;
      ++connections_;
      std::make_shared<link>(*this, std::move(client))->start();
      accept();
    });
  }
  void listen(bool wanted) {
    if (wanted == acceptor_.is_open()) return;
    if (!wanted) return acceptor_.close();
    acceptor_.open(tcp::v4());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(at_);
    acceptor_.listen();
    accept();
  }

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      context_.get_executor()};  // also while nothing listens
  tcp::endpoint server_;
  tcp::acceptor acceptor_;
  tcp::endpoint at_;
  network_fault fault_ = network_fault::none;  // on the thread only, as all below
  std::size_t amount_ = 0;
  std::atomic<std::uint64_t> connections_{0};
  std::thread thread_;
};

}  // namespace graphbit::testing
