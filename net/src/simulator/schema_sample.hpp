#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "conversation.hpp"

namespace graphbit::sim {

/// Appends a JSON value that fits `schema` (JSON Schema 2020-12 as the providers take it: types,
/// enum, const, $ref into the same document, anyOf/oneOf/allOf, bounds, formats). The same prompt
/// and seed give the same value; texts are words of the prompt.
void append_sample(const json& schema, std::string_view prompt, std::uint64_t hash,
                   std::string& out);

/// Appends any JSON value as compact text.
void append_json(const json& value, std::string& out);

}  // namespace graphbit::sim
