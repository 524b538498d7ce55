#include <graphbit/net/sse_parser.hpp>
#include <graphbit/runtime/json_scan.hpp>

#include "src/json_reader.hpp"
#include "src/wire/openai_chat.hpp"
#include "src/wire/openai_reply.hpp"
#include "src/wire/provider_error.hpp"
#include "src/wire/tool_arguments.hpp"

namespace graphbit {

namespace {

constexpr int bad_lines_max = 5;         // in a row, then the stream is no stream of ours
constexpr std::size_t calls_max = 1024;  // tool calls of one answer

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
  provider_words words;
  bool has_finish = false;
  bool has_error = false;

  void clear() {
    id = model = finish = {};
    texts.clear();
    calls.clear();
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

class openai_stream final : public stream_decoder {
 public:
  explicit openai_stream(const provider_config& config) : config_(config) {}

  expected<void> feed(std::string_view bytes, std::vector<std::string>& text) override {
    parser_.feed(bytes);
    sse_event event;
    while (!complete_) {
      const auto got = parser_.next(event);
      if (!got) return fail(with_partial_text(got.error()));
      if (!*got) break;
      if (event.data == "[DONE]")
        complete_ = true;
      else if (auto taken = take(event.data, text); !taken)
        return taken;
    }
    return {};
  }

  bool complete() const noexcept override { return complete_; }

  expected<chat_response> finish() override {
    // Some servers close after the finish reason, without [DONE].
    if (!complete_ && !has_finish_) return fail(cut_short(config_, std::move(response_.content)));
    response_.provider = config_.provider;
    for (auto& [index, call] : calls_) {
      call.arguments = tool_arguments(std::move(call.arguments));
      response_.tool_calls.push_back(std::move(call));
    }
    return std::move(response_);
  }

 private:
  expected<void> take(std::string_view data, std::vector<std::string>& text) {
    line_.assign(data);
    chunk_.clear();
    token_usage usage;
    bool has_usage = false;
    json_reader reader(line_);
    reader.object([&](std::string_view key) {
      if (key == "choices")
        read_choices(reader, chunk_);
      else if (key == "id")
        chunk_.id = reader.string();
      else if (key == "model")
        chunk_.model = reader.string();
      else if (key == "usage" && reader.peek() == json_reader::type::object) {
        has_usage = true;
        read_openai_usage(reader, usage);
      } else if (key == "error" && reader.peek() != json_reader::type::null) {
        chunk_.has_error = true;
        read_words(reader, chunk_.words);
      } else
        reader.skip();
    });
    if (!reader.finish() || !is_utf8(data)) return bad_line(data);
    bad_lines_ = 0;
    if (chunk_.has_error) return fail(refused_inside(config_, chunk_.words, response_.content));
    if (has_usage) response_.usage = usage;
    return apply(text);
  }

  expected<void> apply(std::vector<std::string>& text) {
    if (response_.id.empty()) response_.id = chunk_.id;
    if (response_.model.empty()) response_.model = chunk_.model;
    for (const std::string_view delta : chunk_.texts) {
      if (delta.empty()) continue;
      response_.content += delta;
      text.emplace_back(delta);
    }
    for (const call_piece& piece : chunk_.calls) add(piece);
    if (chunk_.has_finish) {
      has_finish_ = true;
      response_.finish = finish_from_openai(chunk_.finish);
    }
    if (calls_.size() <= calls_max) return {};
    return fail(with_partial_text(
        resource_error("tool_calls", "the answer holds more than 1024 tool calls")));
  }

  /// Pieces belong together by their index; a new id at an old index starts another call, as
  /// servers that number every call 0 mean it.
  void add(const call_piece& piece) {
    auto found = calls_.rbegin();
    while (found != calls_.rend() && found->first != piece.index) ++found;
    const bool another =
        found == calls_.rend() ||
        (!piece.id.empty() && !found->second.id.empty() && found->second.id != piece.id);
    if (another) {
      calls_.emplace_back(piece.index, tool_call{{}, {}, {}});
      found = calls_.rbegin();
    }
    tool_call& call = found->second;
    if (call.id.empty()) call.id = piece.id;
    if (call.name.empty()) call.name = piece.name;
    call.arguments += piece.arguments;
  }

  expected<void> bad_line(std::string_view data) {
    if (++bad_lines_ <= bad_lines_max) return {};
    return fail(with_partial_text(not_understood(
        config_, "more than 5 lines of the stream in a row are not valid JSON", data)));
  }

  error with_partial_text(error e) const {
    e.provider = config_.provider;
    e.partial_text = response_.content;
    return e;
  }

  const provider_config& config_;
  sse_parser parser_;
  std::string line_;  // the chunk under work; unescaped in place
  chunk chunk_;
  chat_response response_;
  std::vector<std::pair<std::uint32_t, tool_call>> calls_;
  int bad_lines_ = 0;
  bool has_finish_ = false;
  bool complete_ = false;
};

}  // namespace

std::unique_ptr<stream_decoder> decode_openai_stream(const provider_config& config) {
  return std::make_unique<openai_stream>(config);
}

}  // namespace graphbit
