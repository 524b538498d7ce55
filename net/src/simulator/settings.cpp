#include "settings.hpp"

#include <cmath>
#include <cstdlib>
#include <string>

#include <graphbit/runtime/json_value.hpp>

namespace graphbit::sim {

namespace {

error wrong(std::string_view name, std::string_view wanted) {
  return configuration_error(std::string(name), std::string(name) + " is " + std::string(wanted));
}

expected<void> assign(std::string_view name, double& field, const json_value& v) {
  if (!v.is_number()) return fail(wrong(name, "a number"));
  field = v.as_double();
  return {};
}

template <class Unsigned>
requires std::is_unsigned_v<Unsigned> expected<void> assign(std::string_view name, Unsigned& field,
                                                            const json_value& v) {
  if (!v.is_number() || v.as_double() < 0 || v.as_double() != std::floor(v.as_double()))
    return fail(wrong(name, "a whole number of at least 0"));
  field = v.is_uint() ? static_cast<Unsigned>(v.as_uint()) : static_cast<Unsigned>(v.as_double());
  return {};
}

expected<void> assign(std::string_view name, bool& field, const json_value& v) {
  if (!v.is_bool()) return fail(wrong(name, "true or false"));
  field = v.as_bool();
  return {};
}

expected<void> assign(std::string_view name, std::string& field, const json_value& v) {
  if (!v.is_string()) return fail(wrong(name, "a text"));
  field = v.as_string();
  return {};
}

expected<void> assign(std::string_view name, std::vector<std::string>& field, const json_value& v) {
  if (!v.is_array()) return fail(wrong(name, "a list of texts"));
  std::vector<std::string> texts;
  for (const auto& item : v.as_array()) {
    if (!item.is_string()) return fail(wrong(name, "a list of texts"));
    texts.push_back(item.as_string());
  }
  field = std::move(texts);
  return {};
}

duration seconds_of(double s) {
  return std::chrono::duration_cast<duration>(std::chrono::duration<double>(s));
}

}  // namespace

expected<behaviour> apply_settings(behaviour before, std::string_view json) {
  const auto document = parse_json(json);
  if (!document) return fail(configuration_error("config", "no JSON: " + document.error().message));
  if (!document->is_object())
    return fail(configuration_error("config", "give settings as a JSON object"));
  for (const auto& [key, value] : document->as_object()) {
    bool known = false;
    expected<void> result;
    for_each_setting(
        before, [&, &key = key, &value = value](std::string_view name, auto& field, const char*) {
          if (name != key) return;
          known = true;
          result = assign(name, field, value);
        });
    if (!known) return fail(configuration_error(key, "there is no setting '" + key + "'"));
    if (!result) return fail(result.error());
  }
  if (auto checked = check_settings(before); !checked) return fail(checked.error());
  return before;
}

expected<void> check_settings(const behaviour& b) {
  expected<void> result;
  double faults = 0;
  for_each_setting(b, [&](std::string_view name, const auto& field, const char*) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>) {
      const bool probability = name.substr(0, 6) == "fault_";
      if (probability) faults += field;
      if (!(field >= 0) || (probability && field > 1))
        result =
            fail(wrong(name, probability ? "a probability from 0 to 1" : "a number of at least 0"));
    }
  });
  if (!result) return result;
  if (faults > 1 + 1e-9)
    return fail(
        configuration_error("fault_429", "the probabilities of all faults add up to more than 1"));
  if (b.embedding_dimensions == 0 || b.embedding_dimensions > 65'536)
    return fail(wrong("embedding_dimensions", "a number from 1 to 65536"));
  for (const auto& text : b.outages)
    if (const auto parsed = parse_outage(text); !parsed) return fail(parsed.error());
  return {};
}

expected<outage> parse_outage(std::string_view text) {
  const auto bad = [&] {
    return fail(configuration_error(
        "outages",
        "'" + std::string(text) + "' is no outage: give FROM-TO or FROM-TO:close in seconds"));
  };
  outage out;
  std::string_view span = text;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    const auto how = text.substr(colon + 1);
    if (how != "close" && how != "refuse") return bad();
    out.refuse = how == "refuse";
    span = text.substr(0, colon);
  }
  const auto dash = span.find('-');
  if (dash == std::string_view::npos || dash == 0) return bad();
  const std::string from(span.substr(0, dash)), to(span.substr(dash + 1));
  char *from_end = nullptr, *to_end = nullptr;
  const auto from_s = std::strtod(from.c_str(), &from_end), to_s = std::strtod(to.c_str(), &to_end);
  if (*from_end != 0 || *to_end != 0 || to.empty() || !(from_s >= 0) || !(to_s > from_s))
    return bad();
  out.from = seconds_of(from_s);
  out.to = seconds_of(to_s);
  return out;
}

}  // namespace graphbit::sim
