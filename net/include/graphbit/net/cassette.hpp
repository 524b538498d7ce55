#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

class cassette_tape;

/// What a cassette does with the exchanges it sees.
enum class cassette_mode : std::uint8_t {
  automatic,  ///< replay when the file is there, else record
  record,     ///< ask the providers, and replace the file
  replay,     ///< send nothing; the file must be there
};

/// Real traffic with providers, kept in a file and played again without a network.
///
/// Problem: a test against a real provider costs money, needs a key and changes from run to run.
/// While a cassette is in, every HTTP client of this process either writes its exchanges to the
/// file or is answered from it: retries, decoding and everything above run as they always do.
///
/// Recording leaves out the request's headers and whatever could hold a secret; prompts and answers
/// stay as they are. Replaying finds an answer by method, URL and body (as JSON: spaces do not
/// matter), the same request asked again in the order of recording. What was not recorded is a
/// Configuration error{field="cassette"}, and nothing is sent. Only whole answers are recorded: no
/// transport faults, no exchange that was cancelled.
///
/// Lifecycle: in from `insert` until `eject` or destruction; then the one before is back. Requests
/// look for it when they start, from any thread. GRAPHBIT_CASSETTE=path puts one in for the whole
/// process, in automatic mode. A child made by fork records nothing.
class cassette {
 public:
  /// Errors: Configuration{field="cassette"} when the file is missing, is no cassette, or cannot be
  /// made.
  [[nodiscard]] static expected<cassette> insert(const std::string& path,
                                                 cassette_mode mode = cassette_mode::automatic);
  ~cassette();
  /// The other one lets go of the tape.
  cassette(cassette&& other) noexcept;
  cassette& operator=(cassette&&) = delete;

  /// False: it records.
  [[nodiscard]] bool replays() const noexcept;
  /// Takes it out; a recording becomes the file of its name. Errors: ResourceExhausted{disk} or
  /// Runtime when it could not be written. Afterwards this does nothing.
  [[nodiscard]] expected<void> eject();

 private:
  explicit cassette(std::shared_ptr<cassette_tape> tape);
  std::shared_ptr<cassette_tape> tape_;
};

}  // namespace graphbit
