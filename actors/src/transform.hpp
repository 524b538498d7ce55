#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/actors/node_output.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

enum class transform_kind : std::uint8_t {
  uppercase,
  lowercase,
  trim,
  json_extract,
  template_text,
  split,
  chunk,
  join,
  first,
  last,
};

/// A named transformation with its argument: "split" and ",", also written as one text "split:,".
struct named_transform {
  transform_kind kind = transform_kind::trim;
  std::string argument;
};

/// Nothing for a name that is not known.
[[nodiscard]] std::optional<named_transform> parse_transform(std::string_view transformation,
                                                             std::string_view argument);

/// The value after the transformation. Precondition: `t.kind` is not `template_text`, which needs
/// the run's references and is expanded by the caller. Errors: Validation that says what was
/// expected of the input.
[[nodiscard]] expected<node_output> apply_transform(const named_transform& t,
                                                    const node_output& input);

/// Follows "a.b.0" into a value; nullptr where it leads nowhere. An empty path is the value.
[[nodiscard]] const json_value* follow_path(const json_value& value,
                                            std::string_view path) noexcept;

}  // namespace graphbit
