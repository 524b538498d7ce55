#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wire.hpp"

namespace graphbit::sim {

/// OpenAI's chat completions, and the base of those who copy them with changes.
class openai : public wire {
 public:
  std::optional<refusal> read_chat(const http_server_request& request, const json& body,
                                   question& out) const override;
  void write_chat(const question& asked, const answer& said, std::string& out) const override;
  void write_stream(const question& asked, const answer& said, frames& out) const override;
  bool write_stream_error(const refusal& why, frames& out) const override;
  std::string_view key(const http_server_request& request) const override;
  void write_refusal(const refusal& why, std::string& out) const override;
  void write_retry_after(double wait_s, std::string& out) const override;
  void write_headers(std::string_view request_id, const allowances& left,
                     std::string& out) const override;

 protected:
  /// The type of the parts of a message that carry files.
  [[nodiscard]] virtual std::string_view file_part() const { return "file"; }
  /// Further members of a choice and of a whole answer, each with a comma before it.
  [[nodiscard]] virtual std::string_view choice_extra() const { return {}; }
  [[nodiscard]] virtual std::string_view answer_extra() const { return {}; }

 private:
  void write_choice(const question& asked, const answer& said, std::size_t index,
                    std::string_view head, std::string_view tail, frames& out) const;
};

/// The "usage" member of an OpenAI answer.
void append_openai_usage(const answer& said, std::size_t choices, std::string& out);

}  // namespace graphbit::sim
