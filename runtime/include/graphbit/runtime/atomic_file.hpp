#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// A file that appears whole or not at all: written beside its final name, made durable, renamed.
/// Dropped without `commit`, it leaves nothing behind.
class atomic_file {
 public:
  /// Opens the file beside `path`. Errors: as `write`.
  [[nodiscard]] static expected<atomic_file> create(const std::string& path);
  ~atomic_file();
  /// The other leaves nothing behind any more: the file is this one's.
  atomic_file(atomic_file&& other) noexcept;
  atomic_file& operator=(atomic_file&&) = delete;

  /// Errors: ResourceExhausted{disk} when there is no room, Runtime otherwise.
  [[nodiscard]] expected<void> write(std::string_view bytes);
  /// Hands what was written to the system, so that it outlives this process.
  [[nodiscard]] expected<void> flush();
  /// Gives the unfinished file up to whoever else writes it: nothing is removed, nothing renamed.
  void leave() noexcept { beside_.clear(); }
  /// Makes the file durable and gives it its name.
  [[nodiscard]] expected<void> commit();

 private:
  struct close_file {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  atomic_file(std::string path, std::string beside, std::FILE* file)
      : path_(std::move(path)), beside_(std::move(beside)), file_(file) {}
  [[nodiscard]] error failure() const;

  std::string path_;
  std::string beside_;
  std::unique_ptr<std::FILE, close_file> file_;
};

}  // namespace graphbit
