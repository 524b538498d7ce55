#include "src/wire/answer_stream.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/openai_reply.hpp"

namespace graphbit {

namespace {

/// A piece of a tool call; views into the chunk.
struct call_piece {
  std::uint32_t index = 0;
  std::string_view id, name, arguments;
};

/// What one chunk says; taken over only when all of it was sound.
struct chunk {
  std::string_view id, model, finish;
  std::vector<std::string_view> texts;
  std::vector<call_piece> calls;
  std::optional<token_usage> usage;
  provider_words words;
  bool has_finish = false;
  bool has_error = false;

  void clear() {
    id = model = finish = {};
    texts.clear();
    calls.clear();
    usage.reset();
    words = {};
    has_finish = has_error = false;
  }
};

void read_call_piece(json_reader& reader, call_piece& piece) {
  reader.object([&](std::string_view key) {
    if (key == "index") return reader.read(piece.index);
    if (key == "id") {
      piece.id = reader.string();
      return;
    }
    if (key != "function") return reader.skip();
    reader.object([&](std::string_view member) {
      if (member == "name")
        piece.name = reader.string();
      else if (member == "arguments")
        piece.arguments = reader.string();
      else
        reader.skip();
    });
  });
}

void read_delta(json_reader& reader, chunk& into) {
  reader.object([&](std::string_view key) {
    if (key == "content" || key == "refusal")
      read_openai_content(reader, into.texts);
    else if (key == "tool_calls")
      reader.array([&] {
        into.calls.push_back({static_cast<std::uint32_t>(into.calls.size()), {}, {}, {}});
        read_call_piece(reader, into.calls.back());
      });
    else
      reader.skip();
  });
}

void read_choices(json_reader& reader, chunk& into) {
  bool first = true;
  reader.array([&] {
    if (!std::exchange(first, false)) return reader.skip();
    reader.object([&](std::string_view key) {
      if (key == "delta")
        read_delta(reader, into);
      else if (key == "finish_reason") {
        into.has_finish = reader.peek() == json_reader::type::string;
        into.finish = reader.string();
      } else
        reader.skip();
    });
  });
}

class openai_stream final : public sse_answer_stream {
 public:
  using sse_answer_stream::sse_answer_stream;

 protected:
  expected<void> take(const sse_event& event, texts& out) override {
    if (event.data == "[DONE]") {
      set_complete();
      return {};
    }
    chunk_.clear();
    const auto sound = understand(event.data, [this](json_reader& reader) { read_chunk(reader); });
    if (!sound) return fail(sound.error());
    if (!*sound) return {};
    if (chunk_.has_error) return fail(refusal(chunk_.words));
    return apply(out);
  }

 private:
  void read_chunk(json_reader& reader) {
    reader.object([this, &reader](std::string_view key) {
      if (key == "choices")
        read_choices(reader, chunk_);
      else if (key == "id")
        chunk_.id = reader.string();
      else if (key == "model")
        chunk_.model = reader.string();
      else if (key == "usage" && reader.peek() == json_reader::type::object)
        read_openai_usage(reader, chunk_.usage.emplace());
      else if (key == "error" && reader.peek() != json_reader::type::null) {
        chunk_.has_error = true;
        read_words(reader, chunk_.words);
      } else if (key == "object") {
        // Mistral and vLLM: {"object":"error","message":...}
        chunk_.has_error = reader.string() == "error" || chunk_.has_error;
      } else
        read_word(reader, key, chunk_.words);
    });
  }

  expected<void> apply(texts& out) {
    if (response().id.empty()) response().id = chunk_.id;
    if (response().model.empty()) response().model = chunk_.model;
    if (chunk_.usage) response().usage = *chunk_.usage;
    for (const std::string_view delta : chunk_.texts) deliver(delta, out);
    for (const call_piece& piece : chunk_.calls)
      if (auto ok = add_call_piece(piece.index, piece.id, piece.name, piece.arguments); !ok)
        return ok;
    // Some servers close after the finish reason, without [DONE].
    if (chunk_.has_finish) set_finish(finish_from_openai(chunk_.finish));
    return {};
  }

  chunk chunk_;
};

}  // namespace

std::unique_ptr<stream_decoder> decode_openai_stream(const provider_config& config) {
  return std::make_unique<openai_stream>(config);
}

}  // namespace graphbit
