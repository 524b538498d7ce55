#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// One finished line of a batch as it is kept.
struct batch_entry {
  std::uint64_t index = 0;        ///< of the line in its input, from 0
  std::uint64_t fingerprint = 0;  ///< of the input line's bytes
  bool succeeded = false;         ///< it belongs into the results
  std::string output;             ///< the line for the results or the errors file
};

/// Where a batch keeps what is finished, so that a killed one goes on where it was.
/// All calls come from one thread at a time, never from a reactor.
class batch_journal {
 public:
  virtual ~batch_journal() = default;
  /// A random text made with the journal; part of every line's idempotency key.
  [[nodiscard]] virtual const std::string& batch_id() const = 0;
  /// The fingerprint of the kept line, or nothing. `succeeded_only`: failed ones count as not kept.
  [[nodiscard]] virtual expected<std::optional<std::uint64_t>> kept(std::uint64_t index,
                                                                    bool succeeded_only) = 0;
  /// The whole entry of a kept line.
  [[nodiscard]] virtual expected<std::optional<batch_entry>> read(std::uint64_t index) = 0;
  /// Keeps a group durably before it returns. Error: ResourceExhausted when the disk is full.
  [[nodiscard]] virtual expected<void> keep(const std::vector<batch_entry>& group) = 0;
  /// Calls `f` with each kept output in the order of the input; ends at the first false.
  [[nodiscard]] virtual expected<void> each(bool succeeded,
                                            const std::function<bool(std::string_view)>& f) = 0;
  /// One past the last line that is kept; 0: nothing is.
  [[nodiscard]] virtual std::uint64_t kept_end() const = 0;
};

}  // namespace graphbit
