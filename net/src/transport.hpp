#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// What one attempt to move bytes came to.
enum class io_status {
  done,         ///< bytes moved
  would_block,  ///< not now: an event of the socket will say when
  eof,          ///< the peer closed in order
  failed,       ///< reset, or broken TLS; `fault()` says more
};

struct io_result {
  io_status status = io_status::failed;
  std::size_t bytes = 0;
};

/// Moves bytes over one connected, non-blocking socket that an edge-triggered poller watches, so
/// that an exchange is written once for plain and TLS connections. Does not own the descriptor.
class transport {
 public:
  virtual ~transport() = default;
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;

  /// Takes the next step of getting ready; `done` when bytes may move.
  [[nodiscard]] virtual io_status handshake() = 0;
  [[nodiscard]] virtual io_result read_some(char* into, std::size_t size) = 0;
  /// Writes from the front of `first` followed by `second`. After `would_block` the same bytes must
  /// be offered again.
  [[nodiscard]] virtual io_result write_some(std::string_view first, std::string_view second) = 0;
  /// Says that this side is done; never waits.
  virtual void close_notify() noexcept = 0;
  /// An event came, so there may be something to read. Until then, and after a read that used up
  /// what the socket had, `read_some` says `would_block` without asking the system.
  void note_readable() noexcept { readable_ = true; }
  /// The peer will send no more: read until the end shows.
  void note_ending() noexcept { readable_ = ending_ = true; }
  /// False when a read is known to bring nothing.
  [[nodiscard]] virtual bool may_be_readable() const noexcept { return readable_; }
  /// Why the last call failed.
  [[nodiscard]] const error& fault() const noexcept { return fault_; }

 protected:
  explicit transport(int fd) noexcept : fd_(fd) {}
  /// recv with the rule of `note_readable`.
  [[nodiscard]] io_result receive(char* into, std::size_t size) noexcept;
  /// Keeps the reason of a failed call on the socket.
  io_result fail_by(int code);
  io_result fail_with(error why);

  int fd_;

 private:
  bool readable_ = true;
  bool ending_ = false;
  error fault_;
};

/// Bytes as they are.
[[nodiscard]] std::unique_ptr<transport> make_plain_transport(int fd);

}  // namespace graphbit
