#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace graphbit {

/// A PostgreSQL server of the tests' own: in a temporary folder, on loopback, as an unprivileged
/// user (Debian's `postgres` when the tests run as root). It ends with this process, however that
/// ends.
class postgres_server {
 public:
  /// Where Debian's postgresql-15 (or another version) has its programs; empty: it is not
  /// installed.
  [[nodiscard]] static std::filesystem::path programs();
  /// The one server that tests share, started when first asked for; null: it did not start.
  [[nodiscard]] static postgres_server* shared();

  enum class disk : std::uint8_t { ignored, waited_for };
  /// A new, empty server. It waits for its disk only when asked to: nothing in the tests outlives
  /// the machine.
  [[nodiscard]] static std::unique_ptr<postgres_server> start(disk how = disk::ignored);
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// The address of a database; `port` 0: the server's own.
  [[nodiscard]] std::string url(const std::string& database, std::uint16_t port = 0) const;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Makes a database with a name of its own.
  [[nodiscard]] std::string make_database();
  /// Runs statements in a database; the first value of the last result.
  std::string run(const std::string& database, const std::string& sql) const;

  /// CPU that the server's processes took so far, of those that still run.
  [[nodiscard]] double cpu_seconds() const;

  /// As a crash of the server's machine, and its start afterwards. Same port.
  void crash();
  [[nodiscard]] bool boot();
  /// While the server is down: copies all its data, or puts the copy back.
  void back_up() const;
  void restore() const;

 private:
  postgres_server() = default;
  [[nodiscard]] bool make_cluster();

  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  disk disk_ = disk::ignored;
  pid_t pid_ = -1;
  int databases_ = 0;
};

}  // namespace graphbit
