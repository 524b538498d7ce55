#include "frame.hpp"

#include <utility>

#include "archive.hpp"

namespace graphbit::cluster {

namespace {

constexpr std::uint8_t part_type = 255;
constexpr std::size_t part_bytes_max = limits::frame_part_bytes_max - 64;  // room for the headers

}  // namespace

void frame_writer::add(const message& m) {
  scratch_.clear();
  encode(m, version_, scratch_);
  const auto type = static_cast<std::uint8_t>(m.index());
  std::string_view rest = scratch_;
  if (rest.size() <= part_bytes_max) return add_record(type, rest);
  std::string part;
  while (!rest.empty()) {
    const auto piece = rest.substr(0, part_bytes_max);
    rest.remove_prefix(piece.size());
    part.assign(1, rest.empty() ? 1 : 0);
    part.push_back(static_cast<char>(type));
    part.append(piece);
    add_record(part_type, part);
  }
}

void frame_writer::add_record(std::uint8_t type, std::string_view bytes) {
  if (!open_.empty() && open_.size() + bytes.size() + 16 > limits::frame_part_bytes_max)
    full_.push_back(std::exchange(open_, {}));
  open_.push_back(static_cast<char>(type));
  byte_writer(open_, version_)(std::uint64_t{bytes.size()});
  open_.append(bytes);
}

std::vector<std::string> frame_writer::take() {
  if (!open_.empty()) full_.push_back(std::exchange(open_, {}));
  return std::exchange(full_, {});
}

expected<std::vector<message>> frame_reader::read(std::string_view frame) {
  if (frame.size() > 2 * limits::frame_part_bytes_max)
    return fail(resource_error("frame", "a machine sent a frame of " +
                                            std::to_string(frame.size()) +
                                            " bytes; larger values must come in parts"));
  std::vector<message> messages;
  byte_reader reader(frame, version_);
  while (!reader.at_end()) {
    const auto type = reader.take(1);
    std::uint64_t size = 0;
    reader(size);
    const auto bytes = reader.take(size);
    if (!reader.ok()) return fail(core_error("a machine sent a frame that ends within a record"));
    const auto tag = static_cast<std::uint8_t>(type.front());
    auto taken = tag == part_type ? take_part(bytes, messages) : take_record(tag, bytes, messages);
    if (!taken) return fail(std::move(taken.error()));
  }
  return messages;
}

expected<void> frame_reader::take_part(std::string_view bytes, std::vector<message>& into) {
  if (bytes.size() < 3) return fail(core_error("a machine sent a part without content"));
  const bool last = bytes[0] != 0;
  const auto type = static_cast<std::uint8_t>(bytes[1]);
  if (in_parts_ && type != partial_type_)
    return fail(core_error("a machine mixed the parts of two messages"));
  if (partial_.size() + bytes.size() > limits::frame_bytes_max)
    return fail(resource_error("message", "a machine sent a message of more than " +
                                              std::to_string(limits::frame_bytes_max) + " bytes"));
  in_parts_ = true;
  partial_type_ = type;
  partial_.append(bytes.substr(2));
  if (!last) return {};
  in_parts_ = false;
  const auto whole = std::exchange(partial_, {});
  return take_record(type, whole, into);
}

expected<void> frame_reader::take_record(std::uint8_t type, std::string_view bytes,
                                         std::vector<message>& into) {
  auto m = decode(type, bytes, version_);
  if (!m) return fail(std::move(m.error()));
  if (*m) into.push_back(std::move(**m));
  return {};
}

}  // namespace graphbit::cluster
