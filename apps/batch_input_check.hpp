#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/runtime/error.hpp>

namespace graphbit::app {

/// Reads a batch file once before anything is sent: how many lines it has, and whether each has a
/// `custom_id` of its own, in bounded memory whatever the file's size. The pass marks ids in a
/// fixed Bloom filter (16 MiB) and notes those that may have been there before (under 1 % of 10
/// million lines); only when there are any, a second pass looks at these exactly. Gives the number
/// of lines; none for a pipe, which cannot be read twice and is not checked. Lines that cannot be
/// parsed are left to the batch to name. Error: Validation naming the id and its two lines.
[[nodiscard]] expected<std::optional<std::uint64_t>> check_batch_input(const std::string& path);

}  // namespace graphbit::app
