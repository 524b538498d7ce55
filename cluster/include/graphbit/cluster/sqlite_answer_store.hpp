#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <graphbit/actors/answer_store.hpp>

namespace graphbit {

/// Room for answers in one file, unless another is given.
inline constexpr std::uint64_t answer_store_bytes_max = 1024u * 1024 * 1024;

/// Answers of the response cache in an SQLite file, which processes of this machine may share; a
/// question is kept as its SHA-256 only, an answer as it came. Past `bytes_max` (of the file's
/// contents, at least 1 MiB) the oldest go. The file is made by `open`, which tells of errors:
/// Configuration{field="path"}. After `fork` the child opens it anew.
[[nodiscard]] std::shared_ptr<answer_store> sqlite_answer_store(
    std::string path, std::uint64_t bytes_max = answer_store_bytes_max);

}  // namespace graphbit
