#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// One line of a batch file in the form of OpenAI's Batch API: `custom_id`, `method`, `url`,
/// `body`.
struct batch_line {
  std::string custom_id;                                  ///< the caller's own name of it
  std::variant<chat_request, embedding_request> request;  ///< a chat, or texts to embed
};

/// Reads one line. What the library does not know in a body is passed on as it is.
/// Errors: Validation{field="line"} in words for the errors file (invalid JSON or UTF-8, a missing
/// member, an unknown `url`), ResourceExhausted for a line over limits::prompt_bytes_max.
[[nodiscard]] expected<batch_line> parse_batch_line(std::string_view line);

/// The `custom_id` of a line that may be broken elsewhere; empty if it cannot be read.
[[nodiscard]] std::string custom_id_of(std::string_view line);

/// A line of the output file for an answer. `id` names the line within its batch.
[[nodiscard]] std::string format_batch_result(std::string_view id, std::string_view custom_id,
                                              const chat_response& response);
/// The same for vectors.
[[nodiscard]] std::string format_batch_result(std::string_view id, std::string_view custom_id,
                                              const embedding_response& response);
/// A line of the errors file.
[[nodiscard]] std::string format_batch_error(std::string_view id, std::string_view custom_id,
                                             const error& failure);

/// One part of a message in OpenAI's form: `text`, `image_url` or `file`; data URLs become bytes.
/// Error: Validation{field="line"} naming the part.
[[nodiscard]] expected<content_part> content_part_from(const json_value& part);

/// A chat request body from a request in OpenAI's form. Error: Validation naming the member.
[[nodiscard]] expected<chat_request> chat_request_from(const json_value& body);

}  // namespace graphbit
