#pragma once

#include <string>

#include <graphbit/runtime/error.hpp>

namespace graphbit::app {

/// Checks that no `custom_id` of a batch file stands in two lines, in bounded memory whatever the
/// file's size: a first pass marks ids in a fixed Bloom filter (16 MiB) and notes those that may
/// have been there before (under 1 % of 10 million lines), a second pass looks at these exactly.
/// Error: Validation naming the id and its two lines. Pipes cannot be read twice and are not
/// checked; lines that cannot be parsed are left to the batch to name.
[[nodiscard]] expected<void> refuse_duplicate_ids(const std::string& path);

}  // namespace graphbit::app
