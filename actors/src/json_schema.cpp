#include "src/json_schema.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <re2/re2.h>

#include "src/text_beginning.hpp"

namespace graphbit {

namespace {

using fault = std::optional<schema_fault>;

constexpr int depth_max = 200;

std::string shown(const json_value& value) {
  const std::string text = to_json(value);
  return text.size() <= 80 ? text : beginning_of(text, 80) + "...";
}

std::string below(const std::string& path, std::string_view key) {
  const bool plain = !key.empty() && !(key.front() >= '0' && key.front() <= '9') &&
                     std::all_of(key.begin(), key.end(),
                                 [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (plain) return path + "." + std::string(key);
  std::string quoted;
  append_json_string(quoted, key);
  return path + "[" + quoted + "]";
}

std::string below(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

bool is_whole(const json_value& value) {
  if (value.is_int() || value.is_uint()) return true;
  return value.is_double() && std::floor(value.as_double()) == value.as_double();
}

bool is_of(const json_value& value, std::string_view kind) {
  if (kind == "null") return value.is_null();
  if (kind == "boolean") return value.is_bool();
  if (kind == "integer") return is_whole(value);
  if (kind == "number") return value.is_number();
  if (kind == "string") return value.is_string();
  if (kind == "array") return value.is_array();
  return kind == "object" && value.is_object();
}

/// Equality as JSON has it: 1 is 1.0, and the order of members does not count.
bool same(const json_value& a, const json_value& b) {
  if (a.is_number() && b.is_number()) return a.as_double() == b.as_double();
  if (a.is_array() && b.is_array())
    return std::equal(a.as_array().begin(), a.as_array().end(), b.as_array().begin(),
                      b.as_array().end(), same);
  if (!a.is_object() || !b.is_object()) return a == b;
  return a.as_object().size() == b.as_object().size() &&
         std::all_of(a.as_object().begin(), a.as_object().end(), [&](const auto& member) {
           const json_value* other = b.find(member.first);
           return other != nullptr && same(member.second, *other);
         });
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

class validator {
 public:
  explicit validator(const json_value& root) : root_(root) {}

  // NOLINTNEXTLINE(misc-no-recursion): bounded by depth_max
  [[nodiscard]] fault check(const json_value& value, const json_value& schema,
                            const std::string& path, int depth) const {
    if (depth > depth_max) return schema_fault{path, "nested too deep"};
    if (schema.is_bool() && !schema.as_bool())
      return schema_fault{path, "no value is allowed here"};
    if (!schema.is_object()) return {};
    for (const auto part : {&validator::check_type, &validator::check_choices,
                            &validator::check_combinations, &validator::check_content})
      if (auto found = (this->*part)(value, schema, path, depth)) return found;
    return {};
  }

 private:
  fault check_type(const json_value& value, const json_value& schema, const std::string& path,
                   int) const {
    const json_value* type = schema.find("type");
    if (type == nullptr) return {};
    if (type->is_string()) {
      if (is_of(value, type->as_string())) return {};
      return schema_fault{path, shown(value) + " is not of type " + type->as_string()};
    }
    if (!type->is_array()) return {};
    std::string names;
    for (const json_value& kind : type->as_array()) {
      if (!kind.is_string() || is_of(value, kind.as_string())) return {};
      names += (names.empty() ? "" : " or ") + kind.as_string();
    }
    return schema_fault{path, shown(value) + " is not of type " + names};
  }

  fault check_choices(const json_value& value, const json_value& schema, const std::string& path,
                      int) const {
    if (const json_value* allowed = schema.find("enum"); allowed != nullptr && allowed->is_array())
      if (std::none_of(allowed->as_array().begin(), allowed->as_array().end(),
                       [&](const json_value& one) { return same(value, one); }))
        return schema_fault{path, shown(value) + " is not one of " + shown(*allowed)};
    if (const json_value* only = schema.find("const"); only != nullptr && !same(value, *only))
      return schema_fault{path, shown(value) + " is not " + shown(*only)};
    return {};
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  fault check_combinations(const json_value& value, const json_value& schema,
                           const std::string& path, int depth) const {
    if (const json_value* reference = schema.find("$ref");
        reference != nullptr && reference->is_string()) {
      const json_value* found = referred(reference->as_string());
      if (found == nullptr)
        return schema_fault{path,
                            "the schema's reference " + reference->as_string() + " leads nowhere"};
      if (auto wrong = check(value, *found, path, depth + 1)) return wrong;
    }
    const auto fits = [&](const json_value& part) { return !check(value, part, path, depth + 1); };
    for (const json_value& part : parts(schema, "allOf"))
      if (auto wrong = check(value, part, path, depth + 1)) return wrong;
    const auto any = parts(schema, "anyOf"), one = parts(schema, "oneOf");
    if (!any.empty() && std::none_of(any.begin(), any.end(), fits))
      return schema_fault{path, shown(value) + " fits none of the allowed forms"};
    if (!one.empty() && std::count_if(one.begin(), one.end(), fits) != 1)
      return schema_fault{path, shown(value) + " does not fit exactly one of the allowed forms"};
    if (const json_value* no = schema.find("not"); no != nullptr && fits(*no))
      return schema_fault{path, shown(value) + " has a form that is not allowed"};
    return {};
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  fault check_content(const json_value& value, const json_value& schema, const std::string& path,
                      int depth) const {
    if (value.is_object()) return check_object(value, schema, path, depth);
    if (value.is_array()) return check_array(value, schema, path, depth);
    if (value.is_string()) return check_text(value.as_string(), schema, path);
    return value.is_number() ? check_number(value.as_double(), schema, path) : fault{};
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  fault check_object(const json_value& value, const json_value& schema, const std::string& path,
                     int depth) const {
    for (const json_value& key : parts(schema, "required"))
      if (key.is_string() && value.find(key.as_string()) == nullptr)
        return schema_fault{path, "'" + key.as_string() + "' is a required property"};
    const json_value* properties = schema.find("properties");
    const json_value* others = schema.find("additionalProperties");
    for (const auto& [key, item] : value.as_object()) {
      const json_value* known = properties == nullptr ? nullptr : properties->find(key);
      if (known == nullptr && others == nullptr) continue;
      if (known == nullptr && others->is_bool() && !others->as_bool())
        return schema_fault{path, "the property '" + key + "' is not allowed"};
      if (auto wrong =
              check(item, known != nullptr ? *known : *others, below(path, key), depth + 1))
        return wrong;
    }
    return check_size(value.as_object().size(), schema, "Properties", "properties", path);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  fault check_array(const json_value& value, const json_value& schema, const std::string& path,
                    int depth) const {
    const auto& items = value.as_array();
    const auto first = parts(schema, "prefixItems");
    const json_value* rest = schema.find("items");
    for (std::size_t i = 0; i < items.size(); ++i) {
      const json_value* part = i < first.size() ? &first[i] : rest;
      if (part == nullptr) continue;
      if (auto wrong = check(items[i], *part, below(path, i), depth + 1)) return wrong;
    }
    if (const json_value* unique = schema.find("uniqueItems");
        unique != nullptr && unique->is_bool() && unique->as_bool())
      for (auto item = items.begin(); item != items.end(); ++item)
        if (std::any_of(items.begin(), item,
                        [&](const json_value& other) { return same(*item, other); }))
          return schema_fault{path, "an item occurs twice"};
    return check_size(items.size(), schema, "Items", "items", path);
  }

  static fault check_text(const std::string& text, const json_value& schema,
                          const std::string& path) {
    if (auto wrong = check_size(characters(text), schema, "Length", "characters", path))
      return wrong;
    const json_value* pattern = schema.find("pattern");
    if (pattern == nullptr || !pattern->is_string()) return {};
    if (RE2::PartialMatch(text, RE2(pattern->as_string(), RE2::Quiet))) return {};
    return schema_fault{path, shown(json_value(text)) + " does not match " + pattern->as_string()};
  }

  static fault check_number(double value, const json_value& schema, const std::string& path) {
    const auto bound = [&](const char* name) -> const json_value* {
      const json_value* found = schema.find(name);
      return found != nullptr && found->is_number() ? found : nullptr;
    };
    const auto wrong = [&](const std::string& how, const json_value& limit) {
      return schema_fault{path, shown(json_value(value)) + how + shown(limit)};
    };
    if (const auto* min = bound("minimum"); min != nullptr && value < min->as_double())
      return wrong(" is less than the minimum of ", *min);
    if (const auto* max = bound("maximum"); max != nullptr && value > max->as_double())
      return wrong(" is greater than the maximum of ", *max);
    if (const auto* min = bound("exclusiveMinimum"); min != nullptr && value <= min->as_double())
      return wrong(" is not greater than ", *min);
    if (const auto* max = bound("exclusiveMaximum"); max != nullptr && value >= max->as_double())
      return wrong(" is not less than ", *max);
    if (const auto* step = bound("multipleOf"); step != nullptr && step->as_double() > 0) {
      const double times = value / step->as_double();
      if (std::abs(times - std::round(times)) > 1e-9) return wrong(" is not a multiple of ", *step);
    }
    return {};
  }

  static fault check_size(std::size_t size, const json_value& schema, const std::string& keyword,
                          const std::string& unit, const std::string& path) {
    const auto count = static_cast<double>(size);
    const std::string has = "has " + std::to_string(size) + " " + unit;
    if (const json_value* min = schema.find("min" + keyword);
        min != nullptr && min->is_number() && count < min->as_double())
      return schema_fault{path, has + ", fewer than " + shown(*min)};
    if (const json_value* max = schema.find("max" + keyword);
        max != nullptr && max->is_number() && count > max->as_double())
      return schema_fault{path, has + ", more than " + shown(*max)};
    return {};
  }

  static const json_value::array& parts(const json_value& schema, std::string_view keyword) {
    static const json_value::array none;
    const json_value* found = schema.find(keyword);
    return found != nullptr && found->is_array() ? found->as_array() : none;
  }

  /// A reference within the schema, "#/$defs/Item".
  [[nodiscard]] const json_value* referred(std::string_view reference) const {
    if (reference.empty() || reference.front() != '#') return nullptr;
    const json_value* found = &root_;
    reference.remove_prefix(1);
    while (found != nullptr && !reference.empty()) {
      reference.remove_prefix(1);  // the slash
      const auto end = std::min(reference.find('/'), reference.size());
      found = found->find(unescaped(reference.substr(0, end)));
      reference.remove_prefix(end);
    }
    return found;
  }

  /// A step of a JSON pointer (RFC 6901): "~1" is a slash, "~0" a tilde.
  static std::string unescaped(std::string_view step) {
    std::string out;
    for (std::size_t i = 0; i < step.size(); ++i) {
      const bool escaped = step[i] == '~' && i + 1 < step.size();
      out += !escaped ? step[i] : step[++i] == '1' ? '/' : '~';
    }
    return out;
  }

  const json_value& root_;
};

/// Values that are no schemas, whatever they look like.
bool is_literal(std::string_view keyword) {
  return keyword == "enum" || keyword == "const" || keyword == "default" || keyword == "examples";
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets JSON be
fault unusable_pattern(const json_value& schema, const std::string& path) {
  if (schema.is_array())
    for (std::size_t i = 0; i < schema.as_array().size(); ++i)
      if (auto found = unusable_pattern(schema.as_array()[i], below(path, i))) return found;
  if (!schema.is_object()) return {};
  for (const auto& [key, part] : schema.as_object()) {
    if (key == "pattern" && part.is_string()) {
      const RE2 compiled(part.as_string(), RE2::Quiet);
      if (!compiled.ok()) return schema_fault{below(path, key), compiled.error()};
    } else if (!is_literal(key)) {
      if (auto found = unusable_pattern(part, below(path, key))) return found;
    }
  }
  return {};
}

}  // namespace

std::optional<schema_fault> first_unusable_pattern(const json_value& schema) {
  return unusable_pattern(schema, "$");
}

std::optional<schema_fault> first_fault(const json_value& value, const json_value& schema) {
  return validator(schema).check(value, schema, "$", 0);
}

}  // namespace graphbit
