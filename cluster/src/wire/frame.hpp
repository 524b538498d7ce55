#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/limits.hpp>

#include "message.hpp"

namespace graphbit::cluster {

/// Packs messages into frames: as many as fit into one part, and one that is larger than a part in
/// several, so that a large value neither holds up heartbeats nor looks like a dead line.
///
/// A frame is a row of records: a type byte, a varint length, that many bytes. Type 255 is a part
/// of a larger record: a flag whether it is the last, the record's type, then its bytes.
class frame_writer {
 public:
  explicit frame_writer(std::uint16_t version) : version_(version) {}
  void set_version(std::uint16_t version) noexcept { version_ = version; }
  [[nodiscard]] std::uint16_t version() const noexcept { return version_; }

  void add(const message& m);
  /// The finished frames; the last may be short. Empty when nothing was added.
  [[nodiscard]] std::vector<std::string> take();

 private:
  void add_record(std::uint8_t type, std::string_view bytes);

  std::uint16_t version_;
  std::string scratch_;
  std::string open_;
  std::vector<std::string> full_;
};

/// Unpacks frames from a peer that may be broken or hostile. After an error it must not be fed
/// again: the connection is to be closed.
class frame_reader {
 public:
  explicit frame_reader(std::uint16_t version) : version_(version) {}
  void set_version(std::uint16_t version) noexcept { version_ = version; }

  /// The messages that this frame completes. Errors: Core for bytes that are no frame,
  /// ResourceExhausted past `limits::frame_bytes_max` of one message or a frame of two parts' size.
  [[nodiscard]] expected<std::vector<message>> read(std::string_view frame);

 private:
  [[nodiscard]] expected<void> take_part(std::string_view bytes, std::vector<message>& into);
  [[nodiscard]] expected<void> take_record(std::uint8_t type, std::string_view bytes,
                                           std::vector<message>& into);

  std::uint16_t version_;
  std::string partial_;  // what has come of a message in parts
  std::uint8_t partial_type_ = 0;
  bool in_parts_ = false;
};

}  // namespace graphbit::cluster
