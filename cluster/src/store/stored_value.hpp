#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/error.hpp>

#include "sql_connection.hpp"

namespace graphbit {

/// Values longer than this are kept once, by the hash of their contents, compressed.
inline constexpr std::size_t value_inline_bytes_max = 64 * 1024;
/// Workflows are shared by many runs, so that even short ones are kept once.
inline constexpr std::size_t workflow_inline_bytes_max = 256;

/// A value on its way into a table: inside its row, or as a blob that the row names.
class stored_value {
 public:
  /// `bytes` must live as long as this. Compresses what is long.
  stored_value(std::string_view bytes, std::size_t inline_bytes_max);

  [[nodiscard]] bool is_blob() const noexcept { return !hash_.empty(); }
  /// For the row: the bytes (empty for a blob) and the blob's hash (null inside the row).
  [[nodiscard]] sql_param inline_param() const;
  [[nodiscard]] sql_param hash_param() const;
  /// What stands for the value in the row's checksum.
  [[nodiscard]] std::string_view fingerprint() const noexcept {
    return is_blob() ? std::string_view(hash_) : bytes_;
  }
  /// The statements that keep the blob and say that this run needs it; none inside the row.
  void add_calls(std::int64_t run_no, std::vector<sql_call>& calls) const;

 private:
  std::string_view bytes_;
  std::string hash_;        // SHA-256 of the bytes
  std::string compressed_;  // empty: not worth it
};

/// The bytes of a blob as they were. Error: Core when they are not those of the hash.
[[nodiscard]] expected<std::string> read_blob(const std::string& hash, std::int64_t codec,
                                              std::int64_t size, const std::string& bytes);

/// CRC-32 of texts, each with its length so that none can flow into the next.
class row_checksum {
 public:
  row_checksum& add(std::string_view text) noexcept;
  row_checksum& add(std::int64_t number) noexcept;
  [[nodiscard]] std::int64_t value() const noexcept { return static_cast<std::int64_t>(crc_); }

 private:
  unsigned long crc_ = 0;
};

}  // namespace graphbit
