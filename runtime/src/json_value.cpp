#include <graphbit/runtime/json_value.hpp>

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <graphbit/runtime/decimal.hpp>
#include <graphbit/runtime/json_scan.hpp>

namespace graphbit {

namespace {

/// RapidJSON's SAX events, built into values. Containers under construction lie on a stack of our
/// own, so that hostile depth meets `depth_max` and not the end of the thread's stack.
class value_builder {
 public:
  explicit value_builder(std::size_t depth_max) : depth_max_(depth_max) {}

  bool Null() { return add(nullptr); }
  bool Bool(bool b) { return add(b); }
  // Never called: numbers come as their text (RawNumber).
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) { return add_number({s, n}); }
  bool String(const char* s, rapidjson::SizeType n, bool) {
    return check_text({s, n}) && add(std::string(s, n));
  }
  bool Key(const char* s, rapidjson::SizeType n, bool) {
    open_.back().key.assign(s, n);
    return check_text({s, n});
  }
  bool StartObject() { return start(json_value::object{}); }
  bool StartArray() { return start(json_value::array{}); }
  bool EndObject(rapidjson::SizeType) { return end(); }
  bool EndArray(rapidjson::SizeType) { return end(); }

  [[nodiscard]] bool too_deep() const noexcept { return too_deep_; }
  [[nodiscard]] bool bad_text() const noexcept { return bad_text_; }
  [[nodiscard]] bool too_big() const noexcept { return too_big_; }
  [[nodiscard]] json_value take() { return std::move(root_); }

 private:
  struct container {
    json_value value;
    std::string key;  // of the member that comes next
  };

  /// The reader lets the second half of a surrogate pair pass alone, so its own check of the
  /// encoding would not be enough.
  bool check_text(std::string_view text) {
    bad_text_ = !is_utf8(text);
    return !bad_text_;
  }

  /// The reader's own conversion makes 2e-90 of "0e-71", so numbers are read by ours.
  bool add_number(std::string_view text) {
    const char* const end = text.data() + text.size();
    if (text.find_first_of(".eE") == std::string_view::npos) {
      std::int64_t whole = 0;
      if (std::from_chars(text.data(), end, whole).ec == std::errc{}) return add(whole);
      std::uint64_t positive = 0;
      if (std::from_chars(text.data(), end, positive).ec == std::errc{}) return add(positive);
    }
    const double number = parse_decimal(text);
    too_big_ = !std::isfinite(number);
    return !too_big_ && add(number);
  }

  bool start(json_value empty) {
    too_deep_ = open_.size() >= depth_max_;
    if (too_deep_) return false;
    open_.push_back({std::move(empty), {}});
    return true;
  }

  bool end() {
    json_value done = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(done));
  }

  template <class Value>
  bool add(Value&& v) {
    if (open_.empty()) {
      root_ = json_value(std::forward<Value>(v));
    } else if (container& into = open_.back(); into.value.is_array()) {
      into.value.as_array().emplace_back(std::forward<Value>(v));
    } else {
      into.value.as_object().emplace_back(std::move(into.key), std::forward<Value>(v));
    }
    return true;
  }

  std::size_t depth_max_;
  std::vector<container> open_;
  json_value root_;
  bool too_deep_ = false;
  bool bad_text_ = false;
  bool too_big_ = false;
};

template <class Number>
void append_number(std::string& out, Number n) {
  std::array<char, 32> digits;
  const auto [end, ec] = std::to_chars(digits.data(), digits.data() + digits.size(), n);
  static_cast<void>(ec);  // 32 bytes hold every number
  out.append(digits.data(), end);
}

void append_double(std::string& out, double d) {
  if (!std::isfinite(d)) {
    out += "null";  // JSON has no word for it
    return;
  }
  const std::size_t start = out.size();
  append_number(out, d);
  if (out.find_first_of(".e", start) == std::string::npos) out += ".0";  // stays a double when read
}

/// Writes values as text. `indent` 0 gives the compact form.
class value_writer {
 public:
  value_writer(std::string& out, std::size_t indent) : out_(out), indent_(indent) {}

  void write(const json_value& v) {
    if (v.is_null())
      out_ += "null";
    else if (v.is_bool())
      out_ += v.as_bool() ? "true" : "false";
    else if (v.is_int())
      append_number(out_, v.as_int());
    else if (v.is_uint())
      append_number(out_, v.as_uint());
    else if (v.is_double())
      append_double(out_, v.as_double());
    else if (v.is_string())
      append_json_string(out_, v.as_string());
    else if (v.is_array())
      write_array(v.as_array());
    else
      write_object(v.as_object());
  }

 private:
  void write_array(const json_value::array& items) {
    open('[');
    for (std::size_t i = 0; i < items.size(); ++i) {
      separate(i);
      write(items[i]);
    }
    close(']', items.empty());
  }

  void write_object(const json_value::object& members) {
    open('{');
    for (std::size_t i = 0; i < members.size(); ++i) {
      separate(i);
      append_json_string(out_, members[i].first);
      out_ += indent_ == 0 ? ":" : ": ";
      write(members[i].second);
    }
    close('}', members.empty());
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }

  void separate(std::size_t index) {
    if (index > 0) out_ += ',';
    new_line();
  }

  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) new_line();
    out_ += bracket;
  }

  void new_line() {
    if (indent_ > 0) out_.append(1, '\n').append(depth_ * indent_, ' ');
  }

  std::string& out_;
  std::size_t indent_;
  std::size_t depth_ = 0;
};

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out.append("\\u00").append(1, hex[byte >> 4]).append(1, hex[byte & 0xf]);
}

}  // namespace

double json_value::as_double() const {
  if (is_int()) return static_cast<double>(as_int());
  if (is_uint()) return static_cast<double>(as_uint());
  return std::get<double>(v_);
}

const json_value* json_value::find(std::string_view key) const noexcept {
  const auto* members = std::get_if<object>(&v_);
  if (members == nullptr) return nullptr;
  for (auto it = members->rbegin(); it != members->rend(); ++it)
    if (it->first == key) return &it->second;
  return nullptr;
}

std::string json_value::string_or(std::string_view key, std::string_view otherwise) const {
  const json_value* found = find(key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string(otherwise);
}

void json_value::set(std::string key, json_value value) {
  if (is_null()) v_ = object{};
  object& members = as_object();
  const auto last = std::find_if(members.rbegin(), members.rend(),
                                 [&](const member& m) { return m.first == key; });
  if (last != members.rend())
    last->second = std::move(value);
  else
    members.emplace_back(std::move(key), std::move(value));
}

void json_value::push_back(json_value value) {
  if (is_null()) v_ = array{};
  as_array().push_back(std::move(value));
}

expected<json_value> parse_json(std::string_view text, std::size_t depth_max) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  value_builder builder(depth_max);
  const rapidjson::ParseResult parsed = reader.Parse<flags>(stream, builder);
  if (builder.too_deep())
    return fail(resource_error(
        "json_depth", "JSON is nested deeper than " + std::to_string(depth_max) + " levels"));
  const auto not_json = [](std::string_view why, std::size_t offset) {
    return fail(validation_error(
        "json", "not valid JSON at byte " + std::to_string(offset) + ": " + std::string(why)));
  };
  if (builder.bad_text())
    return not_json("a string that is not UTF-8 or holds half a surrogate pair", parsed.Offset());
  if (builder.too_big()) return not_json("a number too big for a double", parsed.Offset());
  if (parsed.IsError())
    return not_json(rapidjson::GetParseError_En(parsed.Code()), parsed.Offset());
  // The reader takes a NUL byte for the end of the text.
  if (stream.Tell() != text.size()) return not_json("a NUL byte", stream.Tell());
  return builder.take();
}

std::string to_json(const json_value& value) {
  std::string out;
  value_writer(out, 0).write(value);
  return out;
}

std::string to_json_pretty(const json_value& value) {
  std::string out;
  value_writer(out, 2).write(value);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (true) {
    const std::size_t plain = json_plain_bytes(text.data(), text.size());
    out.append(text.data(), plain);
    if (plain == text.size()) break;
    append_escape(out, text[plain]);
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

std::string to_text(const json_value& value) {
  return value.is_string() ? value.as_string() : to_json(value);
}

}  // namespace graphbit
