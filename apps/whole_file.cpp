#include "whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <graphbit/runtime/atomic_file.hpp>
#include <graphbit/runtime/limits.hpp>

namespace graphbit::app {

namespace {

class open_file {
 public:
  explicit open_file(int fd) : fd_(fd) {}
  ~open_file() {
    if (fd_ >= 0) close(fd_);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

error file_error(const char* operation, const std::string& path, int code) {
  return runtime_error(operation, path + ": " + std::strerror(code));
}

}  // namespace

expected<std::string> read_whole_file(const std::string& path) {
  const open_file file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(file_error("read", path, errno));
  std::string out;
  char buffer[64 * 1024];
  while (true) {
    const ssize_t n = read(file.get(), buffer, sizeof buffer);
    if (n == 0) return out;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(file_error("read", path, errno));
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > limits::response_body_bytes_max)
      return fail(resource_error("input_file", path + ": longer than 64 MiB"));
  }
}

expected<void> write_whole_file(const std::string& path, std::string_view bytes) {
  auto file = atomic_file::create(path);
  if (!file) return fail(file.error());
  if (auto written = file->write(bytes); !written) return written;
  return file->commit();
}

expected<void> make_writable_folder(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return fail(runtime_error("write", path + ": " + code.message()));
  if (access(path.c_str(), W_OK | X_OK) != 0) return fail(file_error("write", path, errno));
  return {};
}

}  // namespace graphbit::app
