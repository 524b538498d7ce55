#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/http_types.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// One request and its answer as a cassette keeps them.
struct recorded_exchange {
  std::string method;
  std::string url;
  std::string body;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  bool streamed = false;
  std::vector<std::string>
      chunks;  // the answer's body: one piece, or as a stream's receives cut it

  friend bool operator==(const recorded_exchange&, const recorded_exchange&) = default;
};

/// One line of the file, without its line end. JSON bodies stand in it as JSON, other text as a
/// string, other bytes in base64.
[[nodiscard]] std::string to_line(const recorded_exchange& exchange);
/// Error: Validation that says what the line lacks.
[[nodiscard]] expected<recorded_exchange> from_line(std::string_view line);

/// What two requests must share to be the same: method, URL, and the body's meaning.
[[nodiscard]] std::string request_key(std::string_view method, std::string_view url,
                                      std::string_view body);

}  // namespace graphbit
