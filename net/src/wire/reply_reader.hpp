#pragma once

#include <string>
#include <string_view>

#include <graphbit/net/provider_config.hpp>

#include "src/json_reader.hpp"

namespace graphbit {

/// A 2xx body that is read in place. Keeps what an error must show of it, since reading changes
/// the body.
///
/// Usage: read all of it through `json()`, ask `finish()`, and say `lacks(...)` for what is
/// missing.
class reply_reader {
 public:
  /// Both must outlive the reader.
  reply_reader(const provider_config& config, std::string& body);

  [[nodiscard]] json_reader& json() noexcept { return json_; }
  /// Error: Core, retry once, unless the body was one JSON text in UTF-8.
  [[nodiscard]] expected<void> finish();
  /// "No <what> in response", with the body's first 200 bytes.
  [[nodiscard]] error lacks(std::string_view what) const;

 private:
  const provider_config& config_;
  bool utf8_;
  std::string front_;
  json_reader json_;
};

}  // namespace graphbit
