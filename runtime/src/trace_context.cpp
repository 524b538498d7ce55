#include <graphbit/runtime/trace_context.hpp>

#include <graphbit/runtime/random.hpp>

namespace graphbit {

namespace {

constexpr std::size_t header_size = 55;  // of version 00; later ones may be longer

void append_hex(std::string& out, std::uint64_t number, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out += "0123456789abcdef"[(number >> shift) & 15];
}

// Lower case only, as the standard asks.
std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t number = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
    if (!digit && !letter) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return number;
}

std::uint64_t nonzero(random_source& random) {
  const auto number = random.next();
  return number != 0 ? number : 1;
}

}  // namespace

trace_context trace_context::child(random_source& random) const noexcept {
  trace_context made = *this;
  if (!valid()) made = {nonzero(random), nonzero(random), 0, true};
  made.span = nonzero(random);
  return made;
}

trace_context trace_context::numbered_child(std::uint64_t number) const noexcept {
  if (!valid()) return {};
  random_source mixed(span ^ (number + 1) * 0xd1342543de82ef95ULL);
  trace_context made = *this;
  made.span = nonzero(mixed);
  return made;
}

std::string trace_context::traceparent() const {
  std::string out;
  out.reserve(header_size);
  out += "00-";
  append_hex(out, trace_high, 16);
  append_hex(out, trace_low, 16);
  out += '-';
  append_hex(out, span, 16);
  out += sampled ? "-01" : "-00";
  return out;
}

std::optional<trace_context> trace_context::from_traceparent(std::string_view header) {
  if (header.size() < header_size || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  const auto version = parse_hex(header.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  if (*version == 0 ? header.size() != header_size
                    : header.size() > header_size && header[header_size] != '-')
    return std::nullopt;
  const auto high = parse_hex(header.substr(3, 16)), low = parse_hex(header.substr(19, 16));
  const auto span = parse_hex(header.substr(36, 16)), flags = parse_hex(header.substr(53, 2));
  if (!high || !low || !span || !flags) return std::nullopt;
  const trace_context read{*high, *low, *span, (*flags & 1) != 0};
  return read.valid() ? std::optional(read) : std::nullopt;
}

}  // namespace graphbit
