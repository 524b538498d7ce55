#include "transport.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace graphbit {

io_result transport::receive(char* into, std::size_t size) noexcept {
  if (!readable_) return {io_status::would_block};
  ssize_t got = 0;
  do got = ::recv(fd_, into, size, 0);
  while (got < 0 && errno == EINTR);
  if (got > 0) {
    // A short read emptied the socket, and what comes later gives an event of its own.
    readable_ = ending_ || static_cast<std::size_t>(got) == size;
    return {io_status::done, static_cast<std::size_t>(got)};
  }
  if (got == 0) return {io_status::eof};
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    readable_ = false;
    return {io_status::would_block};
  }
  return {io_status::failed};
}

io_result transport::fail_by(int code) {
  return fail_with(network_error("the connection failed: " + std::system_category().message(code)));
}

io_result transport::fail_with(error why) {
  fault_ = std::move(why);
  return {io_status::failed};
}

namespace {

class plain_transport final : public transport {
 public:
  explicit plain_transport(int fd) noexcept : transport(fd) {}

  io_status handshake() override { return io_status::done; }

  io_result read_some(char* into, std::size_t size) override {
    const auto result = receive(into, size);
    return result.status == io_status::failed ? fail_by(errno) : result;
  }

  io_result write_some(std::string_view first, std::string_view second) override {
    ssize_t sent = 0;
    do
      sent = first.size() + second.size() <= joined_bytes_max ? send_joined(first, second)
                                                              : send_both(first, second);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) return {io_status::done, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {io_status::would_block};
    return fail_by(errno);
  }

  void close_notify() noexcept override {}

 private:
  /// Up to here a copy costs less than what the kernel takes to gather two pieces (0.1 us).
  static constexpr std::size_t joined_bytes_max = 4096;

  [[nodiscard]] ssize_t send_joined(std::string_view first, std::string_view second) const {
    std::array<char, joined_bytes_max> all;
    first.copy(all.data(), first.size());
    second.copy(all.data() + first.size(), second.size());
    return ::send(fd_, all.data(), first.size() + second.size(), MSG_NOSIGNAL);
  }
  [[nodiscard]] ssize_t send_both(std::string_view first, std::string_view second) const {
    std::array<iovec, 2> parts{{{const_cast<char*>(first.data()), first.size()},
                                {const_cast<char*>(second.data()), second.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  }
};

}  // namespace

std::unique_ptr<transport> make_plain_transport(int fd) {
  return std::make_unique<plain_transport>(fd);
}

}  // namespace graphbit
