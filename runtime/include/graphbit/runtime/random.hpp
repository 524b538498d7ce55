#pragma once

#include <cstdint>
#include <string>

namespace graphbit {

/// A small fast generator (SplitMix64, Steele et al. 2014). Passed in wherever chance decides, so
/// that a seed reproduces a run. Not for secrets.
class random_source {
 public:
  /// The same seed gives the same numbers.
  explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}
  /// Seeds from the operating system.
  [[nodiscard]] static random_source from_system();

  /// 64 random bits.
  [[nodiscard]] std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, 1).
  [[nodiscard]] double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, bound); 0 for a bound of 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    return bound == 0 ? 0 : next() % bound;
  }

 private:
  std::uint64_t state_;
};

/// A random (version 4) UUID, lower case with dashes.
[[nodiscard]] std::string make_uuid(random_source& random);
/// A random UUID from this thread's own generator.
[[nodiscard]] std::string make_uuid();
/// A name-based (version 5, SHA-1) UUID in the DNS namespace of RFC 4122.
[[nodiscard]] std::string make_uuid_v5_dns(const std::string& name);

}  // namespace graphbit
