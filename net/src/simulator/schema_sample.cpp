#include "schema_sample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include <rapidjson/pointer.h>

#include <graphbit/runtime/json_value.hpp>

#include "json_access.hpp"
#include "pattern_sample.hpp"
#include "reply_text.hpp"

namespace graphbit::sim {

namespace {

constexpr int depth_max = 12;  // past it only what is required; schemas may be recursive
constexpr int depth_end = 24;  // past it null, whatever the schema wants
constexpr std::size_t items_max = 64;

std::optional<double> number(const json& schema, const char* name) {
  const auto* v = member(schema, name);
  return v && v->IsNumber() ? std::optional(v->GetDouble()) : std::nullopt;
}

std::size_t size_or(const json& schema, const char* name, std::size_t otherwise) {
  const auto n = number(schema, name);
  return n && *n >= 0 ? static_cast<std::size_t>(*n) : otherwise;
}

void append_number(double n, std::string& out) {
  char text[32];
  const bool whole = n == std::floor(n) && std::fabs(n) < 1e15;
  const int size = std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", n);
  out.append(text, static_cast<std::size_t>(size));
}

class sampler {
 public:
  sampler(const json& root, std::string_view prompt, std::uint64_t hash, std::string& out)
      : root_(root), about_(find_keywords(prompt)), hash_(hash), out_(out) {}

  void value(const json& schema, std::string_view name, int depth) {
    if (depth > depth_end) return out_.append("null"), void();
    if (const auto* ref = member(schema, "$ref"); ref && ref->IsString())
      return value(resolve(*ref), name, depth + 1);
    if (schema.IsObject() && schema.HasMember("const")) return append_json(schema["const"], out_);
    if (const auto* options = member(schema, "enum");
        options && options->IsArray() && !options->Empty())
      return append_json((*options)[static_cast<unsigned>(draw() % options->Size())], out_);
    for (const auto* word : {"anyOf", "oneOf"})
      if (const auto* options = member(schema, word);
          options && options->IsArray() && !options->Empty())
        return value(choose(*options, depth), name, depth + 1);
    if (const auto* all = member(schema, "allOf"); all && all->IsArray() && all->Size() == 1)
      return value((*all)[0], name, depth + 1);
    typed(schema, type_of(schema), name, depth);
  }

 private:
  void typed(const json& schema, std::string_view type, std::string_view name, int depth) {
    if (type == "object") return object(schema, depth);
    if (type == "array") return array(schema, name, depth);
    if (type == "integer") return integer(schema);
    if (type == "number") return real(schema);
    if (type == "boolean") return out_.append(draw() % 2 ? "true" : "false"), void();
    if (type == "null") return out_.append("null"), void();
    string(schema, name);
  }

  /// The first type that is not null; guessed from the other words where none is given. In lower
  /// case, because Google's schemas say "OBJECT".
  static std::string type_of(const json& schema) {
    if (const auto* type = member(schema, "type")) {
      if (type->IsString()) return lower_case(text_of(*type));
      if (type->IsArray())
        for (const auto& t : type->GetArray())
          if (t.IsString() && text_of(t) != "null") return lower_case(text_of(t));
    }
    if (member(schema, "properties") || member(schema, "allOf")) return "object";
    return member(schema, "items") || member(schema, "prefixItems") ? "array" : "string";
  }

  static std::string lower_case(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
  }

  const json& resolve(const json& ref) const {
    auto path = text_of(ref);
    if (!path.empty() && path.front() == '#') path.remove_prefix(1);
    const rapidjson::Pointer at(path.data(), path.size());
    const auto* found = at.IsValid() ? at.Get(root_) : nullptr;
    return found ? *found : empty_;
  }

  /// Deep inside, an option that is null ends a recursive schema; else the first that is not.
  static const json& choose(const json& options, int depth) {
    for (const auto& option : options.GetArray()) {
      const auto* type = member(option, "type");
      const bool is_null = type && type->IsString() && text_of(*type) == "null";
      if (is_null == (depth > depth_max)) return option;
    }
    return options[0];
  }

  void object(const json& schema, int depth) {
    out_ += '{';
    bool first = true;
    std::vector<std::string_view> written;
    properties(schema, depth, first, written);
    if (const auto* all = member(schema, "allOf"); all && all->IsArray())
      for (const auto& part : all->GetArray()) {
        const auto* ref = member(part, "$ref");
        properties(ref && ref->IsString() ? resolve(*ref) : part, depth, first, written);
      }
    out_ += '}';
  }

  void properties(const json& schema, int depth, bool& first,
                  std::vector<std::string_view>& written) {
    const auto* list = member(schema, "properties");
    if (!list || !list->IsObject()) return;
    for (const auto& p : list->GetObject()) {
      const auto name = text_of(p.name);
      if (depth > depth_max && !is_required(schema, name)) continue;
      if (std::find(written.begin(), written.end(), name) != written.end()) continue;
      written.push_back(name);
      if (!std::exchange(first, false)) out_ += ',';
      append_json_string(out_, name);
      out_ += ':';
      value(p.value, name, depth + 1);
    }
  }

  static bool is_required(const json& schema, std::string_view name) {
    const auto* required = member(schema, "required");
    if (!required || !required->IsArray()) return false;
    return std::any_of(required->Begin(), required->End(),
                       [&](const json& r) { return r.IsString() && text_of(r) == name; });
  }

  void array(const json& schema, std::string_view name, int depth) {
    const auto* tuple = member(schema, "prefixItems");
    const auto* items = member(schema, "items");
    const std::size_t fixed = tuple && tuple->IsArray() ? tuple->Size() : 0;
    const auto least = size_or(schema, "minItems", 0);
    const auto most = std::min(size_or(schema, "maxItems", items_max), items_max);
    auto count = std::max(least, fixed);
    if (items && items->IsObject() && depth <= depth_max)
      count = std::max<std::size_t>(count, fixed + 2);
    count = std::min(count, most);
    out_ += '[';
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out_ += ',';
      if (i < fixed)
        value((*tuple)[static_cast<unsigned>(i)], name, depth + 1);
      else
        value(items ? *items : empty_, name, depth + 1);
    }
    out_ += ']';
  }

  struct bounds {
    double least, most;
  };
  static bounds bounds_of(const json& schema, double step, double span) {
    auto least = number(schema, "minimum"), most = number(schema, "maximum");
    if (const auto above = number(schema, "exclusiveMinimum")) least = *above + step;
    if (const auto below = number(schema, "exclusiveMaximum")) most = *below - step;
    if (!least) least = most ? std::min(*most - span, 1.0) : 1.0;
    if (!most) most = *least + span;
    return {*least, *most};
  }

  void integer(const json& schema) {
    const auto [least, most] = bounds_of(schema, 1, 9);
    const auto step = std::max(1.0, number(schema, "multipleOf").value_or(1));
    const auto low = std::ceil(least / step), high = std::floor(most / step);
    const auto range = static_cast<std::uint64_t>(std::clamp(high - low, 0.0, 1e6)) + 1;
    append_number((low + static_cast<double>(draw() % range)) * step, out_);
  }

  void real(const json& schema) {
    const auto [least, most] = bounds_of(schema, 0.001, 9);
    if (const auto step = number(schema, "multipleOf"); step && *step > 0)
      return append_number(std::ceil(least / *step) * *step, out_);
    const auto part = static_cast<double>(draw() % 97 + 1) / 100;
    append_number(
        std::clamp(std::round((least + (most - least) * part) * 1000) / 1000, least, most), out_);
  }

  void string(const json& schema, std::string_view name) {
    std::string text;
    if (const auto* format = member(schema, "format"); format && format->IsString())
      text = formatted(text_of(*format));
    if (const auto pattern = text_member(schema, "pattern"); text.empty() && !pattern.empty())
      if (auto fits = sample_pattern(pattern, draw())) return append_json_string(out_, *fits);
    if (text.empty() && about_.count > 0) text = about_.words[draw() % about_.count];
    if (text.empty()) text = name.empty() ? "sample" : name;
    const auto least = size_or(schema, "minLength", 0);
    const auto most = size_or(schema, "maxLength", std::max<std::size_t>(least, 4096));
    while (text.size() < least) text += text;
    append_json_string(out_, cut_text(text, most));
  }

  std::string formatted(std::string_view format) {
    if (format == "date") return "2024-05-17";
    if (format == "date-time") return "2024-05-17T09:30:00Z";
    if (format == "time") return "09:30:00Z";
    if (format == "duration") return "PT15M";
    if (format == "email") return "someone@example.com";
    if (format == "hostname") return "www.example.com";
    if (format == "ipv4") return "192.0.2.7";
    if (format == "ipv6") return "2001:db8::7";
    if (format == "uri" || format == "url") return "https://www.example.com/page";
    if (format == "uuid") return "123e4567-e89b-42d3-a456-426614174000";
    return {};
  }

  std::uint64_t draw() {
    hash_ = hash_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return hash_ >> 33;
  }

  const json& root_;
  const json empty_{rapidjson::kObjectType};
  keywords about_;
  std::uint64_t hash_;
  std::string& out_;
};

}  // namespace

void append_sample(const json& schema, std::string_view prompt, std::uint64_t hash,
                   std::string& out) {
  sampler(schema, prompt, hash, out).value(schema, {}, 0);
}

void append_json(const json& value, std::string& out) {
  if (value.IsString()) return append_json_string(out, text_of(value));
  if (value.IsNull()) return out.append("null"), void();
  if (value.IsBool()) return out.append(value.GetBool() ? "true" : "false"), void();
  if (value.IsUint64()) return out.append(std::to_string(value.GetUint64())), void();
  if (value.IsInt64()) return out.append(std::to_string(value.GetInt64())), void();
  if (value.IsNumber()) {
    char text[32];
    return out.append(text, static_cast<std::size_t>(
                                std::snprintf(text, sizeof text, "%.17g", value.GetDouble()))),
           void();
  }
  const bool is_array = value.IsArray();
  out += is_array ? '[' : '{';
  const auto begin = out.size();
  if (is_array) {
    for (const auto& item : value.GetArray()) {
      if (out.size() > begin) out += ',';
      append_json(item, out);
    }
  } else {
    for (const auto& m : value.GetObject()) {
      if (out.size() > begin) out += ',';
      append_json_string(out, text_of(m.name));
      out += ':';
      append_json(m.value, out);
    }
  }
  out += is_array ? ']' : '}';
}

}  // namespace graphbit::sim
