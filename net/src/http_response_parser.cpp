#include "http_response_parser.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

namespace graphbit {

namespace {

/// Maps each byte that may stand in a field name to its lower-case form, all others to 0.
constexpr auto name_chars = [] {
  std::array<char, 256> table{};
  constexpr std::string_view allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
  for (const char c : allowed) table[static_cast<unsigned char>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c)
    table[static_cast<unsigned char>(c)] = static_cast<char>(c + ('a' - 'A'));
  return table;
}();

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

/// Takes the next element off a comma-separated list.
std::string_view take_element(std::string_view& list) {
  const auto comma = list.find(',');
  const auto element = trim(list.substr(0, comma));
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return element;
}

bool list_has(std::string_view list, std::string_view lower) {
  while (!list.empty())
    if (equals_ignoring_case(take_element(list), lower)) return true;
  return false;
}

/// What a peer sent, made fit for a one-line message.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 60));
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return out;
}

}  // namespace

void http_response_parser::start(http_headers& headers, bool head_request) {
  headers_ = &headers;
  headers.clear();
  partial_.clear();
  header_bytes_ = 0;
  length_.reset();
  left_ = 0;
  bytes_ = {};
  if (!fault_.message.empty()) fault_ = {};
  status_ = 0;
  state_ = state::status_line;
  head_request_ = head_request;
  begun_ = keep_alive_ = http10_ = chunked_ = announce_head_ = false;
}

http_response_parser::event http_response_parser::next(std::string_view& input) {
  assert(headers_ != nullptr);
  begun_ = begun_ || !input.empty();
  while (true) {
    if (announce_head_) {
      announce_head_ = false;
      return event::head_complete;
    }
    if (state_ == state::over) return fault_.message.empty() ? event::complete : event::failed;
    if (input.empty()) return event::need_more;
    if (state_ == state::sized_body || state_ == state::open_body || state_ == state::chunk_data)
      return take_body(input);
    const auto line = take_line(input);
    if (!line) return state_ == state::over ? event::failed : event::need_more;
    const bool understood = read_line(*line);
    partial_.clear();
    if (!understood) return broken();
  }
}

http_response_parser::event http_response_parser::finish() {
  if (state_ == state::over && !announce_head_)
    return fault_.message.empty() ? event::complete : event::failed;
  if (state_ == state::open_body && !announce_head_) {
    state_ = state::over;
    return event::complete;
  }
  refuse(begun_ ? "the connection was closed in the middle of the answer"
                : "the connection was closed before any byte of the answer");
  return broken();
}

http_response_parser::event http_response_parser::broken() noexcept {
  assert(!fault_.message.empty());
  state_ = state::over;
  keep_alive_ = false;
  return event::failed;
}

bool http_response_parser::refuse(std::string why) {
  fault_ = network_error(std::move(why));
  return false;
}

/// A line without its end (LF, or CR LF), or nothing when its end has not come.
std::optional<std::string_view> http_response_parser::take_line(std::string_view& input) {
  const auto end = input.find('\n');
  const auto used = end == std::string_view::npos ? input.size() : end + 1;
  header_bytes_ += used;
  if (header_bytes_ > header_bytes_max_) {
    fault_ =
        resource_error("response_header_bytes", "the response's header is larger than " +
                                                    std::to_string(header_bytes_max_) + " bytes");
    broken();
    return std::nullopt;
  }
  auto line = input.substr(0, end);
  input.remove_prefix(used);
  if (!partial_.empty() || end == std::string_view::npos) partial_.append(line);
  if (end == std::string_view::npos) return std::nullopt;
  if (!partial_.empty()) line = partial_;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

http_response_parser::event http_response_parser::take_body(std::string_view& input) {
  if (state_ == state::open_body) {
    bytes_ = input;
    input = {};
    return event::body;
  }
  bytes_ = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
  input.remove_prefix(bytes_.size());
  left_ -= bytes_.size();
  if (left_ == 0) state_ = state_ == state::sized_body ? state::over : state::chunk_end;
  return event::body;
}

bool http_response_parser::read_line(std::string_view line) {
  switch (state_) {
    case state::status_line:
      return read_status_line(line);
    case state::field:
      return line.empty() ? end_head() : read_field(line);
    case state::chunk_size:
      return read_chunk_size(line);
    case state::chunk_end:
      state_ = state::chunk_size;
      return line.empty() || refuse("a chunk of the answer is longer than it says");
    case state::trailer:
      if (line.empty()) state_ = state::over;
      return true;
    default:
      return refuse("a line where none belongs");
  }
}

bool http_response_parser::read_status_line(std::string_view line) {
  // Servers of old put an empty line after a body they had announced too short.
  if (line.empty()) return true;
  const bool version11 = line.starts_with("HTTP/1.1 ");
  http10_ = line.starts_with("HTTP/1.0 ");
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto code = line.size() >= 12 ? line.substr(9, 3) : std::string_view{};
  if ((!version11 && !http10_) || code.empty() ||
      !std::all_of(code.begin(), code.end(), is_digit) || code.front() == '0' ||
      (line.size() > 12 && line[12] != ' '))
    return refuse("the answer is not HTTP/1.1 (it begins with \"" + shown(line) +
                  "\"): check the URL's scheme, host and port");
  status_ = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  keep_alive_ = !http10_;
  state_ = state::field;
  return true;
}

bool http_response_parser::read_field(std::string_view line) {
  if (line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos)
    return refuse("a header of the answer holds a NUL or CR");
  if (line.front() == ' ' || line.front() == '\t') {  // RFC 9112, 5.2: an obsolete continuation
    if (headers_->empty()) return refuse("the answer's header begins with a space");
    const auto more = trim(line);
    headers_->extend_last(" ");
    headers_->extend_last(more);
    return true;
  }
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos)
    return refuse("a header line of the answer has no name: \"" + shown(line) + '"');
  name_.resize(colon);
  for (std::size_t i = 0; i < colon; ++i) {
    name_[i] = name_chars[static_cast<unsigned char>(line[i])];
    if (name_[i] == '\0')
      return refuse("a header name of the answer is malformed: \"" + shown(line) + '"');
  }
  const auto value = trim(line.substr(colon + 1));
  headers_->add(name_, value);
  return note_field(name_, value);
}

/// Looks at the fields that decide where the body ends.
bool http_response_parser::note_field(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 10:
      if (name != "connection") return true;
      if (list_has(value, "close")) keep_alive_ = false;
      if (http10_ && list_has(value, "keep-alive")) keep_alive_ = true;
      return true;
    case 14:
      return name != "content-length" || note_content_length(value);
    case 17:
      return name != "transfer-encoding" || note_transfer_encoding(value);
    default:
      return true;
  }
}

bool http_response_parser::note_content_length(std::string_view value) {
  do {
    const auto text = take_element(value);
    std::uint64_t length = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || failed != std::errc{} || stop != text.data() + text.size())
      return refuse("the answer's Content-Length is not a number: \"" + shown(text) + '"');
    if (length_ && *length_ != length)
      return refuse("the answer has two different Content-Length values");
    length_ = length;
  } while (!value.empty());
  return true;
}

bool http_response_parser::note_transfer_encoding(std::string_view value) {
  while (!value.empty()) {
    const auto coding = take_element(value);
    if (coding.empty() || equals_ignoring_case(coding, "identity")) continue;
    if (chunked_ || !equals_ignoring_case(coding, "chunked"))
      return refuse("the answer's Transfer-Encoding is not understood: \"" + shown(coding) + '"');
    chunked_ = true;
  }
  return true;
}

bool http_response_parser::end_head() {
  if (status_ == 101) return refuse("the server switched to another protocol, unasked");
  if (status_ < 200) {  // an interim response: the real one follows
    headers_->clear();
    length_.reset();
    chunked_ = false;
    state_ = state::status_line;
    return true;
  }
  announce_head_ = true;
  header_bytes_ = 0;
  // RFC 9112, 6.3: chunked wins over a length, but such a message may be an attack: no reuse.
  if (chunked_ && (length_ || http10_)) keep_alive_ = false;
  if (chunked_) length_.reset();
  if (head_request_ || status_ == 204 || status_ == 304) {
    length_ = 0;
    state_ = state::over;
  } else if (chunked_) {
    state_ = state::chunk_size;
  } else if (length_) {
    left_ = *length_;
    state_ = left_ == 0 ? state::over : state::sized_body;
  } else {
    keep_alive_ = false;
    state_ = state::open_body;
  }
  return true;
}

bool http_response_parser::read_chunk_size(std::string_view line) {
  const auto text = trim(line.substr(0, line.find(';')));
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), left_, 16);
  if (text.empty() || failed != std::errc{} || stop != text.data() + text.size())
    return refuse("a chunk's size in the answer is not a number: \"" + shown(line) + '"');
  header_bytes_ = 0;
  state_ = left_ == 0 ? state::trailer : state::chunk_data;
  return true;
}

}  // namespace graphbit
