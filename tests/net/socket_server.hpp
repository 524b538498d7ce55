#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace graphbit::test {

/// The server's end of one connection: blocking calls that give up after five seconds.
class server_socket {
 public:
  explicit server_socket(int fd) : fd_(fd) {
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  ~server_socket() { close(); }
  server_socket(const server_socket&) = delete;
  server_socket& operator=(const server_socket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// One request, head and body by its Content-Length; empty when the client closed.
  [[nodiscard]] std::string read_request() {
    while (true) {
      if (const auto head = left_.find("\r\n\r\n"); head != std::string::npos) {
        const auto at = left_.find("Content-Length: ");
        const auto length = at < head ? std::stoul(left_.substr(at + 16)) : 0;
        const auto size = head + 4 + length;
        if (left_.size() >= size) {
          auto request = left_.substr(0, size);
          left_.erase(0, size);
          return request;
        }
      }
      char buffer[65536];
      const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      left_.append(buffer, static_cast<std::size_t>(got));
    }
  }
  /// True when the client closes (or resets) within five seconds.
  [[nodiscard]] bool sees_close() const {
    char buffer[4096];
    while (true) {
      const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return true;
      if (got < 0) return false;
    }
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Closes with a reset instead of an orderly end.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }

 private:
  int fd_;
  std::string left_;
};

/// A TCP server on 127.0.0.1 that runs `serve(socket, n)` for its n-th connection (from 0), each on
/// a thread of its own.
class socket_server {
 public:
  using serve_function = std::function<void(server_socket&, int)>;

  explicit socket_server(serve_function serve) : serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0)
      throw std::runtime_error("cannot listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~socket_server() {
    stop_ = true;
    acceptor_.join();
    ::close(listener_);
    for (auto& t : threads_) t.join();
  }
  socket_server(const socket_server&) = delete;
  socket_server& operator=(const socket_server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept() {
    while (!stop_) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      threads_.emplace_back([this, fd, n = connections_++] {
        server_socket socket(fd);
        serve_(socket, n);
      });
    }
  }

  serve_function serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace graphbit::test
