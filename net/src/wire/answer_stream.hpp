#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/sse_parser.hpp>
#include <graphbit/net/wire_format.hpp>
#include <graphbit/runtime/json_scan.hpp>

#include "src/json_reader.hpp"
#include "src/wire/provider_error.hpp"

namespace graphbit {

/// What the stream decoders of all families share: the answer so far, the tool calls in pieces,
/// when the answer is whole, and how many bad lines are borne.
///
/// A family says what one event means (`take`); nothing of an event counts unless all of it was
/// sound.
class answer_stream : public stream_decoder {
 public:
  /// `config` must outlive the decoder.
  explicit answer_stream(const provider_config& config) : config_(config) {}

  [[nodiscard]] bool complete() const noexcept override { return complete_; }
  [[nodiscard]] expected<chat_response> finish() override;

 protected:
  using texts = std::vector<std::string>;

  [[nodiscard]] const provider_config& config() const noexcept { return config_; }
  [[nodiscard]] chat_response& response() noexcept { return response_; }
  /// Keeps how the answer begins until something of it is understood: to show what came in place of
  /// a stream.
  void keep_front(std::string_view bytes);
  /// Adds a text delta to the answer and to what this feed delivers.
  void deliver(std::string_view delta, texts& out);
  /// Adds a piece of the tool call at `index`; a new id at an old index starts another call, as
  /// servers that number every call 0 mean it. Error: ResourceExhausted past 1024 calls.
  [[nodiscard]] expected<void> add_call_piece(std::uint32_t index, std::string_view id,
                                              std::string_view name, std::string_view arguments);
  [[nodiscard]] bool has_calls() const noexcept { return !calls_.empty(); }
  /// The provider said why it stopped: the end of the stream is no truncation any more.
  void set_finish(finish_reason reason);
  /// The provider said that nothing follows.
  void set_complete() noexcept { complete_ = true; }

  /// Has `read(json_reader&)` read one event; what it reads may view the event's text until the
  /// next one. False: the event cannot be understood, and nothing of it may count. Error: Core
  /// after more than five such in a row.
  template <class Read>
  [[nodiscard]] expected<bool> understand(std::string_view data, Read read) {
    line_.assign(data);
    json_reader reader(line_);
    read(reader);
    if (!reader.finish() || !is_utf8(data)) return bad_event(data);
    bad_events_ = 0;
    understood_ = true;
    return true;
  }
  /// An error event of the provider's.
  [[nodiscard]] error refusal(const provider_words& words) const;
  [[nodiscard]] error with_partial_text(error e) const;

 private:
  [[nodiscard]] expected<bool> bad_event(std::string_view data);

  const provider_config& config_;
  std::string line_;  // the event under work; unescaped in place
  chat_response response_;
  std::vector<std::pair<std::uint32_t, tool_call>> calls_;  // by the provider's index
  std::string front_;
  int bad_events_ = 0;
  bool understood_ = false;
  bool has_finish_ = false;
  bool complete_ = false;
};

/// An answer that comes as server-sent events.
class sse_answer_stream : public answer_stream {
 public:
  using answer_stream::answer_stream;
  [[nodiscard]] expected<void> feed(std::string_view bytes, texts& out) final;

 protected:
  [[nodiscard]] virtual expected<void> take(const sse_event& event, texts& out) = 0;

 private:
  sse_parser parser_;
};

}  // namespace graphbit
