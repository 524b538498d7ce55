#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit {

/// A JSON document as a value. Objects keep the order in which their members came.
/// Used where documents are small and shapes are open (node outputs, schemas, workflow files);
/// the hot wire formats read and write bytes directly.
class json_value {
 public:
  /// The items of a JSON array.
  using array = std::vector<json_value>;
  /// One member of a JSON object.
  using member = std::pair<std::string, json_value>;
  /// The members in the order in which they came.
  using object = std::vector<member>;

  json_value() noexcept = default;  // null
  ///@{
  /// From what C++ has for this kind of JSON value.
  json_value(std::nullptr_t) noexcept {}
  json_value(bool b) : v_(b) {}
  json_value(int n) : v_(static_cast<std::int64_t>(n)) {}
  json_value(std::int64_t n) : v_(n) {}
  json_value(std::uint64_t n) : v_(n) {}
  json_value(double d) : v_(d) {}
  json_value(const char* s) : v_(std::string(s)) {}
  json_value(std::string_view s) : v_(std::string(s)) {}
  json_value(std::string s) : v_(std::move(s)) {}
  json_value(array a) : v_(std::move(a)) {}
  json_value(object o) : v_(std::move(o)) {}
  ///@}

  /// Nothing, or JSON's null.
  [[nodiscard]] bool is_null() const noexcept { return v_.index() == 0; }
  /// True or false.
  [[nodiscard]] bool is_bool() const noexcept { return std::holds_alternative<bool>(v_); }
  /// A whole number that is kept with a sign.
  [[nodiscard]] bool is_int() const noexcept { return std::holds_alternative<std::int64_t>(v_); }
  /// A whole number that is kept without one: above those, or given so.
  [[nodiscard]] bool is_uint() const noexcept { return std::holds_alternative<std::uint64_t>(v_); }
  /// Any other number.
  [[nodiscard]] bool is_double() const noexcept { return std::holds_alternative<double>(v_); }
  /// Any of the three kinds of numbers.
  [[nodiscard]] bool is_number() const noexcept { return is_int() || is_uint() || is_double(); }
  /// A text.
  [[nodiscard]] bool is_string() const noexcept { return std::holds_alternative<std::string>(v_); }
  /// A list.
  [[nodiscard]] bool is_array() const noexcept { return std::holds_alternative<array>(v_); }
  /// A list of members.
  [[nodiscard]] bool is_object() const noexcept { return std::holds_alternative<object>(v_); }

  // Precondition of each: the matching is_...() holds.
  /// Precondition: is_bool().
  [[nodiscard]] bool as_bool() const { return std::get<bool>(v_); }
  /// Precondition: is_int().
  [[nodiscard]] std::int64_t as_int() const { return std::get<std::int64_t>(v_); }
  /// Precondition: is_uint().
  [[nodiscard]] std::uint64_t as_uint() const { return std::get<std::uint64_t>(v_); }
  ///@{
  /// Precondition: is_string().
  [[nodiscard]] const std::string& as_string() const { return std::get<std::string>(v_); }
  [[nodiscard]] std::string& as_string() { return std::get<std::string>(v_); }
  ///@}
  ///@{
  /// Precondition: is_array().
  [[nodiscard]] const array& as_array() const { return std::get<array>(v_); }
  [[nodiscard]] array& as_array() { return std::get<array>(v_); }
  ///@}
  ///@{
  /// Precondition: is_object().
  [[nodiscard]] const object& as_object() const { return std::get<object>(v_); }
  [[nodiscard]] object& as_object() { return std::get<object>(v_); }
  ///@}
  /// Any number as a double. Precondition: is_number().
  [[nodiscard]] double as_double() const;

  /// The member named `key`, or nullptr; nullptr too for anything that is no object.
  [[nodiscard]] const json_value* find(std::string_view key) const noexcept;
  /// The member's text, or `otherwise` when it is absent or no string.
  [[nodiscard]] std::string string_or(std::string_view key, std::string_view otherwise = {}) const;
  /// Sets or replaces a member; turns null into an object first. Precondition: null or object.
  void set(std::string key, json_value value);
  /// Appends to an array; turns null into an array first. Precondition: null or array.
  void push_back(json_value value);

  friend bool operator==(const json_value&, const json_value&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, array,
               object>
      v_;
};

/// Parses UTF-8 JSON text (RFC 8259). Errors: Validation{field="json"} with the byte offset;
/// ResourceExhausted past `depth_max`.
[[nodiscard]] expected<json_value> parse_json(std::string_view text,
                                              std::size_t depth_max = limits::json_depth_max);

/// Compact JSON text.
[[nodiscard]] std::string to_json(const json_value& value);
/// JSON text indented by two spaces.
[[nodiscard]] std::string to_json_pretty(const json_value& value);
/// Appends `text` to `out` as a quoted, escaped JSON string.
void append_json_string(std::string& out, std::string_view text);
/// The text of a value inside a prompt: strings as they are, everything else as compact JSON.
[[nodiscard]] std::string to_text(const json_value& value);

}  // namespace graphbit
