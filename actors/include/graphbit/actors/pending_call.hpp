#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include <graphbit/actors/call.hpp>
#include <graphbit/runtime/caf.hpp>

namespace graphbit {

/// One logical call between its submission and its one answer. Whoever drops it unanswered (a dead
/// mailbox, an actor that crashed) answers it with an error by its destructor: no reply is lost.
class pending_call {
 public:
  pending_call(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
               bool stream)
      : options(std::move(options)),
        stream(stream),
        request_(std::move(request)),
        chat_sink_(std::move(sink)) {}
  pending_call(embedding_request request, call_options options,
               std::unique_ptr<embedding_sink> sink)
      : options(std::move(options)),
        request_(std::move(request)),
        embedding_sink_(std::move(sink)) {}
  ~pending_call();
  pending_call(const pending_call&) = delete;
  pending_call& operator=(const pending_call&) = delete;

  [[nodiscard]] const chat_request* chat() const { return std::get_if<chat_request>(&request_); }
  [[nodiscard]] const embedding_request* embedding() const {
    return std::get_if<embedding_request>(&request_);
  }
  /// Bytes of text in the request.
  [[nodiscard]] std::size_t text_bytes() const;
  [[nodiscard]] std::string_view model() const;

  /// Hands text deltas to the sink. False: it wants the stream to pause.
  [[nodiscard]] bool text_came(std::vector<std::string>& deltas);
  void restarted();
  void succeed(chat_response response);
  void succeed(embedding_response response);
  void fail_with(error e);

  std::uint64_t id = 0;
  call_options options;
  bool stream = false;
  time_point submitted_at = steady_clock::now();

 private:
  std::variant<chat_request, embedding_request> request_;
  std::unique_ptr<chat_sink> chat_sink_;
  std::unique_ptr<embedding_sink> embedding_sink_;
};

using pending_call_ptr = std::shared_ptr<pending_call>;

}  // namespace graphbit

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::pending_call_ptr)
