#pragma once

#include <string>
#include <string_view>

#include <graphbit/net/provider_config.hpp>

namespace graphbit {

/// Builds the header lines that every request of a configuration carries.
///
/// The caller's extra_headers win over ours of the same name (compared without case), so that no
/// field is sent twice.
class header_block {
 public:
  /// Starts with `Content-Type: application/json`.
  explicit header_block(const provider_config& config);

  /// True when extra_headers have a field of that name.
  [[nodiscard]] static bool is_extra(const provider_config& config, std::string_view name);
  /// Adds a line; an empty value adds none.
  header_block& add(std::string_view name, std::string_view value);
  /// The lines, extra_headers at the end. Error: Configuration for CR, LF or NUL in a value; the
  /// message names the field, never the value.
  [[nodiscard]] expected<std::string> finish() const;

 private:
  void put(std::string_view name, std::string_view value);

  const provider_config& config_;
  std::string lines_;
  std::string bad_field_;
};

}  // namespace graphbit
