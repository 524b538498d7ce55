#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/chat.hpp>

namespace graphbit {

class json_reader;

/// Reads a `usage` object of the OpenAI family, whichever of its spellings it has.
void read_openai_usage(json_reader& reader, token_usage& usage);

/// Reads message content: a text, or a list of parts of which the texts are taken. The views live
/// as long as the reader's text.
void read_openai_content(json_reader& reader, std::vector<std::string_view>& texts);

}  // namespace graphbit
