#pragma once

#include <optional>
#include <string>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// Where a value does not fit its schema (`$.items[2].price`), and why.
struct schema_fault {
  std::string path;
  std::string message;
};

/// The first thing in `value` that does not fit `schema`; nothing when all does.
///
/// Knows the keywords that models are given: type, enum, const, the bounds on numbers, texts, lists
/// and objects, pattern, properties, required, additionalProperties, items, prefixItems,
/// uniqueItems, anyOf, oneOf, allOf, not, and `$ref` within the schema. Others (format among them)
/// say nothing. The same set as the Python package's json_schema.py.
[[nodiscard]] std::optional<schema_fault> first_fault(const json_value& value,
                                                      const json_value& schema);

/// The first pattern in `schema` that cannot be matched in linear time (look-around, back
/// references) or is none, by its place in the schema; nothing when all can.
[[nodiscard]] std::optional<schema_fault> first_unusable_pattern(const json_value& schema);

}  // namespace graphbit
