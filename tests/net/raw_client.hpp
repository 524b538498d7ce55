#pragma once

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace graphbit::test {

/// A blocking client socket with no knowledge of HTTP beyond the length of a body: what it shows
/// is what the server wrote. Every read gives up after five seconds.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  }
  ~raw_client() { ::close(fd_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

  /// One more receive; false at the end, with `error()` telling a reset from a close.
  bool receive() {
    char part[16384];
    const auto n = ::recv(fd_, part, sizeof part, 0);
    if (n < 0 && error_ == 0) error_ = errno;
    if (n <= 0) return false;
    buffer_.append(part, static_cast<std::size_t>(n));
    return true;
  }
  [[nodiscard]] int error() const { return error_; }

  /// Everything until the server closes.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(buffer_, {});
  }
  /// Everything up to and with `mark`.
  std::string read_until(std::string_view mark) {
    std::size_t at;
    while ((at = buffer_.find(mark)) == std::string::npos)
      if (!receive()) return std::exchange(buffer_, {});
    auto head = buffer_.substr(0, at + mark.size());
    buffer_.erase(0, head.size());
    return head;
  }

  struct response {
    int status = 0;
    std::string head, body;
  };
  /// One response with Content-Length or chunked framing (chunks joined).
  response read_response() {
    response r;
    r.head = read_until("\r\n\r\n");
    if (r.head.size() < 12) return r;
    r.status = std::stoi(r.head.substr(9, 3));
    if (r.head.find("Transfer-Encoding: chunked") != std::string::npos) {
      for (;;) {
        const auto line = read_until("\r\n");
        const auto size = line.empty() ? 0 : std::stoul(line, nullptr, 16);
        const auto part = read_bytes(size + 2);
        if (size == 0 || part.size() < size + 2) return r;
        r.body += part.substr(0, size);
      }
    }
    const auto at = r.head.find("Content-Length: ");
    if (at != std::string::npos) r.body = read_bytes(std::stoul(r.head.substr(at + 16)));
    return r;
  }
  std::string read_bytes(std::size_t size) {
    while (buffer_.size() < size && receive()) {
    }
    auto part = buffer_.substr(0, size);
    buffer_.erase(0, part.size());
    return part;
  }

  response post(std::string_view target, std::string_view body, std::string_view headers = {}) {
    send("POST " + std::string(target) +
         " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n" + "Content-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body));
    return read_response();
  }
  response get(std::string_view target, std::string_view headers = {}) {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) +
         "\r\n");
    return read_response();
  }

 private:
  int fd_;
  bool connected_ = false;
  int error_ = 0;
  std::string buffer_;
};

}  // namespace graphbit::test
