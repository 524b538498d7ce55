#pragma once

#include <string_view>

namespace graphbit {

/// True for providers whose API takes a JSON schema for the answer (`chat_request::response_format`
/// then goes out in their own form). Others are asked for JSON in the prompt. A server of one's own
/// counts as one that does; a model that cannot is refused by its provider as a bad request.
[[nodiscard]] bool takes_json_schema(std::string_view provider) noexcept;

}  // namespace graphbit
