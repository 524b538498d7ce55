#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <unistd.h>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// An open socket, closed with its owner.
class tcp_connection {
 public:
  explicit tcp_connection(int fd) noexcept : fd_(fd) {}
  ~tcp_connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  tcp_connection(tcp_connection&& other) noexcept : fd_(other.release()) {}
  tcp_connection& operator=(tcp_connection&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// It is somebody else's to close from now on.
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Connects to whichever address of `host` answers first in order, within the time given.
///
/// Problem: CAF connects synchronously, one connection after the other on one thread, and a host
/// that swallows packets would stop every connection of the process for minutes. So links connect
/// by this, on threads of their own, and CAF gets the open socket. Blocks; DNS takes as long as the
/// system's resolver lets it. Error: Network.
[[nodiscard]] expected<tcp_connection> connect_tcp(const std::string& host, std::uint16_t port,
                                                   milliseconds patience);

}  // namespace graphbit::cluster
