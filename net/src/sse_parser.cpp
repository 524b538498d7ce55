#include <graphbit/net/sse_parser.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace graphbit {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// Index of the first `c`, or the size.
std::size_t find_byte(std::string_view text, char c) noexcept {
  if (text.empty()) return 0;
  const auto* at = static_cast<const char*>(std::memchr(text.data(), c, text.size()));
  return at == nullptr ? text.size() : static_cast<std::size_t>(at - text.data());
}

error line_too_long() {
  return resource_error("sse_line_bytes", "a line of the stream is longer than " +
                                              std::to_string(limits::sse_line_bytes_max) +
                                              " bytes");
}

}  // namespace

void sse_parser::feed(std::string_view bytes) {
  if (skip_lf_ && !bytes.empty()) {
    if (bytes.front() == '\n') bytes.remove_prefix(1);
    skip_lf_ = false;
  }
  input_ = bytes;
  next_lf_ = find_byte(input_, '\n');
}

expected<bool> sse_parser::next(sse_event& out) {
  std::string_view line;
  while (true) {
    const auto got = take_line(line);
    if (!got || !*got) {
      own_views();
      return got;
    }
    if (line.empty()) {
      if (dispatch(out)) return true;
    } else if (auto taken = take_field(line); !taken) {
      return fail(std::move(taken.error()));
    }
  }
}

/// Index of the first CR or LF of the input, or its size.
std::size_t sse_parser::line_end() const noexcept {
  return find_byte(input_.substr(0, next_lf_), '\r');
}

expected<bool> sse_parser::take_line(std::string_view& line) {
  if (line_spent_) line_.clear();
  line_spent_ = false;
  const std::size_t end = line_end();
  if (line_.size() + end > limits::sse_line_bytes_max) return fail(line_too_long());
  if (end == input_.size()) {
    line_.append(input_);
    input_ = {};
    next_lf_ = 0;
    return false;
  }
  finish_line(line, end);
  if (at_start_ && line.substr(0, byte_order_mark.size()) == byte_order_mark)
    line.remove_prefix(byte_order_mark.size());
  at_start_ = false;
  return true;
}

/// Hands out the line that ends at `end` and steps over its terminator.
void sse_parser::finish_line(std::string_view& line, std::size_t end) {
  line = input_.substr(0, end);
  if (!line_.empty()) {
    line_.append(line);
    line = line_;
    line_spent_ = true;
  }
  std::size_t used = end + 1;
  if (input_[end] == '\r') {
    skip_lf_ = used == input_.size();
    if (!skip_lf_ && input_[used] == '\n') ++used;
  }
  input_.remove_prefix(used);
  next_lf_ = next_lf_ >= used ? next_lf_ - used : find_byte(input_, '\n');
}

expected<void> sse_parser::take_field(std::string_view line) {
  const std::size_t colon = find_byte(line, ':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.size() ? std::string_view{} : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "data") return take_data(value);
  if (field == "event") {
    name_ = value;
    if (line_spent_) name_ = owned_name_.assign(value);
  }
  return {};  // comments, id, retry and what we do not know
}

expected<void> sse_parser::take_data(std::string_view value) {
  if (data_.size() + value.size() + 1 > limits::sse_event_bytes_max)
    return fail(resource_error("sse_event_bytes", "an event of the stream is larger than " +
                                                      std::to_string(limits::sse_event_bytes_max) +
                                                      " bytes"));
  if (has_data_) {
    if (data_.data() != owned_data_.data()) owned_data_.assign(data_);
    data_ = owned_data_.append(1, '\n').append(value);
  } else {
    data_ = line_spent_ ? std::string_view(owned_data_.assign(value)) : value;
  }
  has_data_ = true;
  return {};
}

/// A blank line ends an event; one without data lines is none.
bool sse_parser::dispatch(sse_event& out) noexcept {
  out.name = name_ == "message" ? std::string_view{} : name_;
  out.data = data_;
  name_ = {};
  data_ = {};
  return std::exchange(has_data_, false);
}

/// Keeps what the event under construction borrowed from a receive that is about to go away.
void sse_parser::own_views() {
  if (!name_.empty() && name_.data() != owned_name_.data()) name_ = owned_name_.assign(name_);
  if (!data_.empty() && data_.data() != owned_data_.data()) data_ = owned_data_.assign(data_);
}

void ndjson_parser::feed(std::string_view bytes) { input_ = bytes; }

expected<bool> ndjson_parser::next(std::string_view& line) {
  while (true) {
    if (line_spent_) line_.clear();
    line_spent_ = false;
    const std::size_t end = find_byte(input_, '\n');
    if (line_.size() + end > limits::sse_line_bytes_max) return fail(line_too_long());
    line = input_.substr(0, end);
    if (end == input_.size() || !line_.empty()) line_.append(line);
    if (end == input_.size()) {
      input_ = {};
      return false;
    }
    if (!line_.empty()) {
      line = line_;
      line_spent_ = true;
    }
    input_.remove_prefix(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) return true;
  }
}

std::string_view ndjson_parser::rest() const noexcept { return line_; }

}  // namespace graphbit
