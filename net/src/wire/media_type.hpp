#pragma once

#include <string_view>

#include <graphbit/runtime/chat.hpp>

namespace graphbit {

/// The media type of an image or a file: the one given, or else what its first bytes or the end of
/// its name or URL say; "" when they say nothing.
[[nodiscard]] std::string_view media_type_of(const content_part& part) noexcept;

}  // namespace graphbit
