#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <graphbit/runtime/error.hpp>

namespace graphbit::app {

/// Reads lines from a file, a pipe or standard input ("-") without holding more than one:
/// LF or CRLF, with or without an end of the last line; blank lines are skipped. The rest of a line
/// over the bound is dropped, which its reader sees by its length.
class line_reader {
 public:
  [[nodiscard]] static expected<line_reader> open(const std::string& path);
  ~line_reader();
  line_reader(line_reader&& other) noexcept;
  line_reader& operator=(line_reader&&) = delete;

  /// False at the end or when a signal interrupts the wait for more. Error: Runtime{read}.
  [[nodiscard]] expected<bool> next(std::string& line);
  /// The number of the line given last, from 1, blank ones counted.
  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  /// True when it can be read twice.
  [[nodiscard]] bool seekable() const;

 private:
  line_reader(int fd, std::string path) : fd_(fd), path_(std::move(path)), buffer_(256 * 1024) {}
  [[nodiscard]] expected<bool> fill();

  int fd_;
  std::string path_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t number_ = 0;
};

}  // namespace graphbit::app
