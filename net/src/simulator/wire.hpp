#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <graphbit/net/http_server.hpp>

#include "allowance.hpp"
#include "conversation.hpp"

namespace graphbit::sim {

/// One provider family's wire, seen from the provider's side: request bytes to question, answer to
/// bytes. Written from the published API references, on purpose not from this project's client.
/// Stateless; one object per family.
class wire {
 public:
  wire() = default;
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  virtual ~wire() = default;

  /// Understands a chat request, or says why the provider would refuse it.
  [[nodiscard]] virtual std::optional<refusal> read_chat(const http_server_request& request,
                                                         const json& body, question& out) const = 0;
  virtual void write_chat(const question& asked, const answer& said, std::string& out) const = 0;
  virtual void write_stream(const question& asked, const answer& said, frames& out) const = 0;
  [[nodiscard]] virtual std::string_view stream_content_type(const http_server_request&) const {
    return "text/event-stream; charset=utf-8";
  }

  /// Ends a stream with the provider's own error; false where its wire knows no such thing.
  [[nodiscard]] virtual bool write_stream_error(const refusal&, frames&) const { return false; }

  /// The API key as this family's clients send it, or an empty view.
  [[nodiscard]] virtual std::string_view key(const http_server_request& request) const = 0;
  [[nodiscard]] virtual int key_refused_status() const { return 401; }
  virtual void write_refusal(const refusal& why, std::string& out) const = 0;
  // Refusals that each family words in its own way.
  [[nodiscard]] virtual refusal unknown_model(std::string_view model) const;
  [[nodiscard]] virtual refusal too_long(std::size_t tokens, std::size_t tokens_max) const;
  /// Header lines that say when to come back.
  virtual void write_retry_after(double wait_s, std::string& out) const;
  /// Header lines every answer carries: ids and rate limits.
  virtual void write_headers(std::string_view request_id, const allowances& left,
                             std::string& out) const = 0;
};

const wire& openai_wire();
const wire& azure_wire();
const wire& mistral_wire();
const wire& responses_wire();  ///< OpenAI's and Azure's other form
const wire& anthropic_wire();
const wire& gemini_wire();
const wire& ollama_wire();
const wire& replicate_wire();
const wire& huggingface_wire();

/// "Bearer KEY" in the Authorization header, or an empty view.
[[nodiscard]] std::string_view bearer_key(const http_server_request& request);

}  // namespace graphbit::sim
