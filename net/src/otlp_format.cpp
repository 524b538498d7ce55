// OTLP's protobuf form, field by field as opentelemetry-proto 1.x numbers them
// (opentelemetry/proto/{collector/trace,trace,resource,common}/v1).
#include <bit>

#include <graphbit/net/otlp.hpp>

namespace graphbit {

namespace {

/// Appends fields in protobuf's wire format.
class message {
 public:
  void varint_field(unsigned field, std::uint64_t value) {
    key(field, 0);
    varint(value);
  }
  void fixed64_field(unsigned field, std::uint64_t value) {
    key(field, 1);
    little_endian(value, 8);
  }
  void fixed32_field(unsigned field, std::uint32_t value) {
    key(field, 5);
    little_endian(value, 4);
  }
  void bytes_field(unsigned field, std::string_view bytes) {
    key(field, 2);
    varint(bytes.size());
    out_.append(bytes);
  }
  void message_field(unsigned field, const message& inner) { bytes_field(field, inner.out_); }
  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  void key(unsigned field, unsigned type) { varint(field << 3 | type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i, value >>= 8) out_ += static_cast<char>(value & 0xff);
  }

  std::string out_;
};

std::string big_endian(std::uint64_t id) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(id >> shift & 0xff);
  return out;
}

struct any_value {
  message operator()(const std::string& text) const {
    message m;
    m.bytes_field(1, text);
    return m;
  }
  message operator()(bool yes) const {
    message m;
    m.varint_field(2, yes ? 1 : 0);
    return m;
  }
  message operator()(std::int64_t number) const {
    message m;
    m.varint_field(3, static_cast<std::uint64_t>(number));
    return m;
  }
  message operator()(double number) const {
    message m;
    m.fixed64_field(4, std::bit_cast<std::uint64_t>(number));
    return m;
  }
  message operator()(const span_attribute::list& texts) const {
    message values;
    for (const auto& text : texts) values.message_field(1, (*this)(text));
    message m;
    m.message_field(5, values);
    return m;
  }
};

message key_value(std::string_view key, const message& value) {
  message m;
  m.bytes_field(1, key);
  m.message_field(2, value);
  return m;
}

message resource_of(const otlp_options& options) {
  message m;
  m.message_field(1, key_value("service.name", any_value{}(options.service_name)));
  m.message_field(1, key_value("telemetry.sdk.name", any_value{}(std::string("graphbit"))));
  m.message_field(1, key_value("telemetry.sdk.language", any_value{}(std::string("cpp"))));
  for (const auto& [name, value] : options.resource)
    if (name != "service.name") m.message_field(1, key_value(name, any_value{}(value)));
  return m;
}

message status_of(const trace_span& span) {
  constexpr std::uint64_t error_code = 2;
  message m;
  m.bytes_field(2, span.failure);
  m.varint_field(3, error_code);
  return m;
}

template <class ToUnixNano>
message span_message(const trace_span& span, ToUnixNano unix_nano) {
  message m;
  m.bytes_field(1, big_endian(span.context.trace_high) + big_endian(span.context.trace_low));
  m.bytes_field(2, big_endian(span.context.span));
  if (span.parent != 0) m.bytes_field(4, big_endian(span.parent));
  m.bytes_field(5, span.name);
  m.varint_field(6, span.kind == span_kind::client ? 3 : 1);
  m.fixed64_field(7, unix_nano(span.started));
  m.fixed64_field(8, unix_nano(span.ended));
  for (const auto& a : span.attributes)
    m.message_field(9, key_value(a.name, std::visit(any_value{}, a.value)));
  if (span.failed) m.message_field(15, status_of(span));
  m.fixed32_field(16, 1);  // sampled
  return m;
}

}  // namespace

std::string encode_otlp_traces(const std::vector<trace_span>& spans, const otlp_options& options,
                               time_point now, std::chrono::system_clock::time_point wall_now) {
  const auto unix_nano = [&](time_point at) {
    using nanoseconds = std::chrono::nanoseconds;
    const auto wall = std::chrono::duration_cast<nanoseconds>(wall_now.time_since_epoch());
    return static_cast<std::uint64_t>(
        (wall - std::chrono::duration_cast<nanoseconds>(now - at)).count());
  };
  message scope;
  scope.bytes_field(1, "graphbit");
  message scope_spans;
  scope_spans.message_field(1, scope);
  for (const auto& span : spans) scope_spans.message_field(2, span_message(span, unix_nano));
  scope_spans.bytes_field(3, "https://opentelemetry.io/schemas/1.41.1");
  message resource_spans;
  resource_spans.message_field(1, resource_of(options));
  resource_spans.message_field(2, scope_spans);
  message request;
  request.message_field(1, resource_spans);
  return std::move(request).take();
}

}  // namespace graphbit
