#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// The number of the last commit, in a small file beside an SQLite database.
///
/// Problem: SQLite takes a write-ahead log whose end is damaged, and a database put back from an
/// old copy, for sound: what was committed after that is lost without a word. A database that is
/// behind its mark has lost commits. The mark is written after each commit and never waits for the
/// disk; after a power loss it may be behind, never ahead.
class commit_mark {
 public:
  /// `path`: of the database; the mark is at `path` + "-mark".
  [[nodiscard]] static expected<commit_mark> open(const std::string& path);
  ~commit_mark();
  commit_mark(commit_mark&& other) noexcept;
  commit_mark& operator=(commit_mark&&) = delete;

  /// Nothing: there is no mark.
  [[nodiscard]] std::optional<std::int64_t> read() const;
  void write(std::int64_t mark) noexcept;

 private:
  explicit commit_mark(int file) noexcept : file_(file) {}
  int file_;
};

}  // namespace graphbit
