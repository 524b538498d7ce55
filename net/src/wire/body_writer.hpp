#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// Writes the top level of a JSON request body straight into a string, one member after another.
///
/// The members of `extra_body` (the configuration's, then the request's, which wins) replace ours
/// of the same name and are never written twice, so that a strict provider takes the body. Only
/// `stream` cannot be replaced: the decoder was chosen by it.
///
/// Usage: `if (body.key("model")) append_json_string(out, model);` ... `body.close();`
class body_writer {
 public:
  /// Error: Validation{field="extra_body"} when either text is no JSON object.
  [[nodiscard]] static expected<body_writer> open(std::string& out, const provider_config& config,
                                                  std::string_view request_extra_body);

  /// Writes `"name":` and says true, or says false when extra_body has that member.
  [[nodiscard]] bool key(std::string_view name);
  /// Writes a member that is itself an object of options; extra_body's members go inside it. An
  /// empty one is not written.
  void nested(std::string_view name, json_value options);
  void close();

 private:
  explicit body_writer(std::string& out) : out_(out) { out_ += '{'; }
  [[nodiscard]] expected<void> merge(std::string_view extra_body);
  void put_key(std::string_view name);

  std::string& out_;
  json_value::object extra_;
  bool first_ = true;
};

/// Appends a JSON array of strings.
void append_json_strings(std::string& out, const std::vector<std::string>& texts);
void append_number(std::string& out, std::uint32_t number);
void append_number(std::string& out, double number);

}  // namespace graphbit
