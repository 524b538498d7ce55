#include "line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <graphbit/runtime/limits.hpp>

namespace graphbit::app {

namespace {

constexpr std::size_t line_bytes_kept_max = limits::prompt_bytes_max + 1;

}  // namespace

expected<line_reader> line_reader::open(const std::string& path) {
  const int fd = path == "-" ? dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd);
    return fail(runtime_error("read", "'" + path + "' is a folder; name a file"));
  }
  if (fd < 0)
    return fail(runtime_error("read", "cannot read '" + path + "': " + std::strerror(errno)));
  return line_reader(fd, path);
}

line_reader::line_reader(line_reader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_),
      number_(other.number_) {}

line_reader::~line_reader() {
  if (fd_ >= 0) ::close(fd_);
}

bool line_reader::seekable() const { return lseek(fd_, 0, SEEK_CUR) >= 0; }

expected<bool> line_reader::fill() {
  begin_ = end_ = 0;
  const auto n = ::read(fd_, buffer_.data(), buffer_.size());
  if (n < 0 && errno == EINTR) return false;
  if (n < 0)
    return fail(runtime_error("read", "cannot read '" + path_ + "': " + std::strerror(errno)));
  end_ = static_cast<std::size_t>(n);
  return n > 0;
}

expected<bool> line_reader::next(std::string& line) {
  line.clear();
  bool any = false;
  for (;;) {
    if (begin_ == end_) {
      const auto more = fill();
      if (!more) return more;
      if (!*more) break;
    }
    any = true;
    const char* start = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(start, '\n', end_ - begin_));
    const std::size_t length =
        newline != nullptr ? static_cast<std::size_t>(newline - start) : end_ - begin_;
    if (line.size() < line_bytes_kept_max)
      line.append(start, std::min(length, line_bytes_kept_max - line.size()));
    begin_ += length + (newline != nullptr ? 1 : 0);
    if (newline == nullptr) continue;
    ++number_;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) return true;
    line.clear();
    any = false;
  }
  if (!any || line.empty()) return false;
  ++number_;
  if (line.back() == '\r') line.pop_back();
  return line.find_first_not_of(" \t") != std::string::npos;
}

}  // namespace graphbit::app
