#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <graphbit/net/cassette.hpp>
#include <graphbit/runtime/atomic_file.hpp>

#include "recorded_exchange.hpp"

namespace graphbit {

/// What a cassette holds: a file being written, or the exchanges of one that was read. All members
/// may be called from any thread.
class cassette_tape {
 public:
  /// Errors: as `cassette::insert`.
  [[nodiscard]] static expected<std::shared_ptr<cassette_tape>> open(const std::string& path,
                                                                     cassette_mode mode);
  /// The one that requests of this process use now, or a null pointer. Error: GRAPHBIT_CASSETTE
  /// names a file that cannot be used.
  [[nodiscard]] static expected<std::shared_ptr<cassette_tape>> in_use();
  static void put_in(std::shared_ptr<cassette_tape> tape);
  /// Takes `tape` out wherever it stands among those that were put in.
  static void take_out(const std::shared_ptr<cassette_tape>& tape);

  [[nodiscard]] bool replays() const noexcept { return !file_; }
  /// The next answer to this request. Error: Configuration{field="cassette"} that tells why there
  /// is none.
  [[nodiscard]] expected<std::shared_ptr<const recorded_exchange>> find(std::string_view method,
                                                                        std::string_view url,
                                                                        std::string_view body);
  /// A failure to write is kept for `end`.
  void record(const recorded_exchange& exchange);
  /// A recording takes its name. Errors: as `cassette::eject`.
  [[nodiscard]] expected<void> end();

 private:
  /// The answers to one request in their order.
  struct track {
    std::vector<std::shared_ptr<const recorded_exchange>> answers;
    std::size_t next = 0;
  };
  cassette_tape(std::string path, std::optional<atomic_file> file);
  [[nodiscard]] static expected<std::shared_ptr<cassette_tape>> load(const std::string& path);
  void add(recorded_exchange exchange);
  [[nodiscard]] std::string why_missing(std::string_view method, std::string_view url,
                                        const std::string& key) const;

  const std::string path_;
  const pid_t owner_;
  std::mutex mutex_;
  std::optional<atomic_file> file_;  // recording
  bool ended_ = false;
  std::optional<error> write_failure_;
  std::unordered_map<std::string, track> tracks_;  // replaying, by request_key
};

}  // namespace graphbit
