#include "src/wire/openai_reply.hpp"

#include <graphbit/runtime/limits.hpp>

#include "src/json_reader.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/provider_error.hpp"
#include "src/wire/reply_reader.hpp"
#include "src/wire/tool_arguments.hpp"

namespace graphbit {

namespace {

void read_count(json_reader& reader, std::optional<std::uint32_t>& out) {
  std::uint32_t count = 0;
  if (reader.peek() != json_reader::type::number) return reader.skip();
  reader.read(count);
  out = count;
}

void read_tool_call(json_reader& reader, tool_call& call) {
  reader.object([&](std::string_view key) {
    if (key == "id") return reader.read(call.id);
    if (key != "function") return reader.skip();
    reader.object([&](std::string_view member) {
      if (member == "name")
        reader.read(call.name);
      else if (member == "arguments")
        call.arguments =
            reader.peek() == json_reader::type::object ? reader.raw() : reader.string();
      else
        reader.skip();
    });
  });
}

/// What decode collects before it knows that the whole reply is sound.
struct reply {
  chat_response response;
  std::vector<std::string_view> texts;
  std::string_view refusal;
  provider_words words;
  bool has_choice = false;
  bool has_error = false;
};

void read_message(json_reader& reader, reply& into) {
  reader.object([&](std::string_view key) {
    if (key == "content")
      read_openai_content(reader, into.texts);
    else if (key == "refusal")
      into.refusal = reader.string();
    else if (key == "tool_calls")
      reader.array([&] {
        tool_call& call = into.response.tool_calls.emplace_back();
        call.arguments.clear();
        read_tool_call(reader, call);
        call.arguments = tool_arguments(std::move(call.arguments));
      });
    else
      reader.skip();
  });
}

void read_choice(json_reader& reader, reply& into) {
  if (into.has_choice)
    return reader.skip();  // one answer is asked for; others are the first's twins
  into.has_choice = true;
  reader.object([&](std::string_view key) {
    if (key == "message")
      read_message(reader, into);
    else if (key == "finish_reason")
      into.response.finish = finish_from_openai(reader.string());
    else
      reader.skip();
  });
}

void read_reply(json_reader& reader, reply& into) {
  reader.object([&](std::string_view key) {
    if (key == "choices")
      reader.array([&] { read_choice(reader, into); });
    else if (key == "usage")
      read_openai_usage(reader, into.response.usage);
    else if (key == "id")
      reader.read(into.response.id);
    else if (key == "model")
      reader.read(into.response.model);
    else if (key == "error" && reader.peek() != json_reader::type::null) {
      into.has_error = true;
      read_words(reader, into.words);
    } else
      reader.skip();
  });
}

/// The content, without a second allocation when it is big: the body itself becomes the text.
std::string take_content(std::string& body, const std::vector<std::string_view>& texts) {
  if (texts.size() == 1 && texts.front().size() >= limits::big_reply_bytes) {
    const auto at = static_cast<std::size_t>(texts.front().data() - body.data());
    body.resize(at + texts.front().size());
    body.erase(0, at);
    return std::move(body);
  }
  std::string content;
  for (const std::string_view text : texts) content += text;
  return content;
}

}  // namespace

void read_openai_usage(json_reader& reader, token_usage& usage) {
  reader.object([&](std::string_view key) {
    if (key == "prompt_tokens")
      reader.read(usage.prompt_tokens);
    else if (key == "completion_tokens")
      reader.read(usage.completion_tokens);
    else if (key == "total_tokens")
      reader.read(usage.total_tokens);
    else if (key == "prompt_cache_hit_tokens")
      read_count(reader, usage.cache_read_tokens);  // DeepSeek
    else if (key == "prompt_tokens_details")
      reader.object([&](std::string_view detail) {
        if (detail == "cached_tokens")
          read_count(reader, usage.cache_read_tokens);
        else if (detail == "cache_write_tokens")
          read_count(reader, usage.cache_creation_tokens);
        else
          reader.skip();
      });
    else if (key == "completion_tokens_details")
      reader.object([&](std::string_view detail) {
        if (detail == "reasoning_tokens")
          read_count(reader, usage.reasoning_tokens);
        else
          reader.skip();
      });
    else
      reader.skip();
  });
  if (usage.total_tokens == 0) usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
}

void read_openai_content(json_reader& reader, std::vector<std::string_view>& texts) {
  if (reader.peek() == json_reader::type::string) {
    texts.push_back(reader.string());
    return;
  }
  reader.array([&] {
    std::string_view type, text;
    reader.object([&](std::string_view key) {
      if (key == "type")
        type = reader.string();
      else if (key == "text")
        text = reader.string();
      else
        reader.skip();
    });
    if (type == "text" || type == "output_text") texts.push_back(text);
  });
}

finish_reason finish_from_openai(std::string_view word) {
  using kind = finish_reason::kind;
  if (word.empty() || word == "stop" || word == "eos") return {kind::stop, {}};
  if (word == "length" || word == "model_length") return {kind::length, {}};
  if (word == "tool_calls" || word == "function_call") return {kind::tool_calls, {}};
  if (word == "content_filter") return {kind::content_filter, {}};
  if (word == "error") return {kind::error, {}};
  return {kind::other, std::string(word)};
}

expected<chat_response> decode_openai_chat(const provider_config& config, std::string& body) {
  reply_reader in(config, body);
  json_reader& reader = in.json();
  reply got;
  read_reply(reader, got);
  if (auto ok = in.finish(); !ok) return fail(std::move(ok.error()));
  if (got.has_error && !got.has_choice) return fail(refused_inside(config, got.words));
  if (!got.has_choice) return fail(in.lacks("choices"));
  if (got.texts.empty() && !got.refusal.empty()) got.texts.push_back(got.refusal);
  got.response.provider = config.provider;
  got.response.content = take_content(body, got.texts);
  return std::move(got.response);
}

}  // namespace graphbit
