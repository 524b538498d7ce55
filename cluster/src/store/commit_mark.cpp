#include "commit_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

namespace graphbit {

expected<commit_mark> commit_mark::open(const std::string& path) {
  const int file = ::open((path + "-mark").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0)
    return fail(runtime_error("open", "cannot write '" + path + "-mark' (" + std::strerror(errno) +
                                          "): check that its folder exists and may be written"));
  return commit_mark(file);
}

commit_mark::~commit_mark() {
  if (file_ >= 0) ::close(file_);
}

commit_mark::commit_mark(commit_mark&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

std::optional<std::int64_t> commit_mark::read() const {
  std::array<char, 24> text{};
  const auto size = ::pread(file_, text.data(), text.size(), 0);
  std::int64_t mark = 0;
  if (size <= 0 || std::from_chars(text.data(), text.data() + size, mark).ec != std::errc())
    return std::nullopt;
  return mark;
}

void commit_mark::write(std::int64_t mark) noexcept {
  std::array<char, 24> text{};
  // Always the same length, so that a shorter number leaves nothing of a longer one.
  const int size =
      std::snprintf(text.data(), text.size(), "%020lld\n", static_cast<long long>(mark));
  static_cast<void>(::pwrite(file_, text.data(), static_cast<std::size_t>(size), 0) == size);
}

}  // namespace graphbit
