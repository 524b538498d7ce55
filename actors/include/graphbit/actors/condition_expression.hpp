#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// A condition written as text, in a small language without calls into anything:
///
///     expression := or [ "?" expression ":" expression ]
///     or         := and { "or" and }            and := not { "and" not }
///     not        := "not" not | comparison
///     comparison := value [ ["not"] ("==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "in"
///                                    | "startswith" | "endswith") value ]
///     value      := number | "text" | 'text' | true | false | null | "(" expression ")" | list
///                 | "length" "(" expression ")" | "lower" "(" expression ")" | reference
///     list       := "[" [ value { "," value } ] "]"     (of texts, numbers, true, false, null)
///     reference  := name { "." (name | index) } | "{{" "node." path "}}" | "{" name "}"
///
/// `output` (also `parent_output`) is the parent's output; other names are nodes, output names and
/// inputs. Texts that look like numbers compare with numbers as numbers; other unequal types are
/// unequal and have no order. Unknown references are null. `&&`, `||` and `!` are accepted too.
class condition_expression {
 public:
  /// Finds the value of a reference's first name; nullptr: unknown.
  using lookup = std::function<const json_value*(std::string_view name)>;

  /// Errors: Validation{field="expression"} with the offset.
  [[nodiscard]] static expected<condition_expression> parse(std::string_view text);

  /// Its value, with names looked up by `find`. Never fails: an unknown name is null.
  [[nodiscard]] json_value evaluate(const lookup& find) const;
  /// Whether a value counts as true: not null, false, 0, "", [] or {}.
  [[nodiscard]] static bool truth(const json_value& value) noexcept;

  struct term;

 private:
  explicit condition_expression(std::shared_ptr<const term> root) : root_(std::move(root)) {}
  std::shared_ptr<const term> root_;
};

}  // namespace graphbit
