#include <graphbit/runtime/atomic_file.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace graphbit {

namespace {

[[nodiscard]] error file_error(const std::string& path, int code) {
  const std::string words = std::strerror(code);
  if (code == ENOSPC || code == EDQUOT)
    return resource_error("disk", "cannot write '" + path + "': " + words + "; free some room");
  return runtime_error("write", "cannot write '" + path + "': " + words);
}

}  // namespace

expected<atomic_file> atomic_file::create(const std::string& path) {
  auto beside = path + ".part-" + std::to_string(getpid());
  auto* file = std::fopen(beside.c_str(), "wbe");
  if (file == nullptr) return fail(file_error(path, errno));
  return atomic_file(path, std::move(beside), file);
}

atomic_file::atomic_file(atomic_file&& other) noexcept
    : path_(std::move(other.path_)),
      beside_(std::exchange(other.beside_, {})),
      file_(std::move(other.file_)) {}

atomic_file::~atomic_file() {
  file_.reset();
  if (!beside_.empty()) unlink(beside_.c_str());
}

error atomic_file::failure() const { return file_error(path_, errno); }

expected<void> atomic_file::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    return fail(failure());
  return {};
}

expected<void> atomic_file::flush() {
  if (std::fflush(file_.get()) != 0) return fail(failure());
  return {};
}

expected<void> atomic_file::commit() {
  if (std::fflush(file_.get()) != 0 || fsync(fileno(file_.get())) != 0) return fail(failure());
  file_.reset();
  if (std::rename(beside_.c_str(), path_.c_str()) != 0) return fail(failure());
  beside_.clear();
  return {};
}

}  // namespace graphbit
