// Two readers of JSON that share no code: what RapidJSON takes, json_reader takes, and values
// survive being written and read again.
#include <string>

#include <graphbit/runtime/json_scan.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "fuzz/require.hpp"
#include "src/json_reader.hpp"

namespace {

using graphbit::json_reader;
using graphbit::json_value;

/// Builds the value that the reader sees, so that strings and numbers are compared too.
json_value read_value(json_reader& reader) {
  switch (reader.peek()) {
    case json_reader::type::object: {
      json_value::object members;
      reader.object([&](std::string_view key) {
        std::string name(key);  // before the value moves on
        members.emplace_back(std::move(name), read_value(reader));
      });
      return members;
    }
    case json_reader::type::array: {
      json_value::array items;
      reader.array([&] { items.push_back(read_value(reader)); });
      return items;
    }
    case json_reader::type::string:
      return std::string(reader.string());
    case json_reader::type::number:
      return reader.number();
    case json_reader::type::boolean:
      return reader.boolean();
    default:
      reader.skip();
      return nullptr;
  }
}

/// All numbers as doubles: the reader knows no other.
json_value with_doubles(const json_value& value) {
  if (value.is_number()) return value.as_double();
  if (value.is_array()) {
    json_value::array items;
    for (const json_value& item : value.as_array()) items.push_back(with_doubles(item));
    return items;
  }
  if (value.is_object()) {
    json_value::object members;
    for (const auto& [key, item] : value.as_object()) members.emplace_back(key, with_doubles(item));
    return members;
  }
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using graphbit::fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = graphbit::parse_json(text);

  std::string skipped(text), read(text);
  json_reader skipper(skipped), reader(read);
  skipper.skip();
  const bool sound = skipper.finish();
  const json_value seen = read_value(reader);
  require(reader.finish() == sound, "reading and skipping agree on what is JSON");
  if (!parsed) return 0;  // the reader bears half surrogates and endless numbers

  require(sound, "what RapidJSON takes the reader takes");
  require(graphbit::is_utf8(text), "what RapidJSON takes is UTF-8");
  require(seen == with_doubles(*parsed), "both see the same value");
  const auto again = graphbit::parse_json(graphbit::to_json(*parsed));
  require(again.has_value() && *again == *parsed, "a value survives being written and read");
  return 0;
}
