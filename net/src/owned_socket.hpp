#pragma once

#include <unistd.h>

#include <utility>

#include "inherited_sockets.hpp"

namespace graphbit {

/// Owns one socket's descriptor and closes it; a forked child closes its copy at once.
class owned_socket {
 public:
  owned_socket() = default;
  explicit owned_socket(int fd) : fd_(fd) {
    if (fd_ >= 0) remember_socket(fd_);
  }
  owned_socket(owned_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_socket& operator=(owned_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_socket() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept {
    if (fd_ < 0) return;
    forget_socket(fd_);
    ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace graphbit
