#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <graphbit/net/http_types.hpp>

namespace graphbit {

/// Takes out of one exchange what nobody else may read, before it is written to a cassette or
/// compared with one.
///
/// A secret is what stands in a header that carries one (Authorization, x-api-key, ...), wherever
/// it comes again; a query parameter or a JSON member named like a key; and every header of the
/// answer that is not known to be harmless.
class secret_removal {
 public:
  /// From the request's header lines ("Name: value\r\n"...).
  secret_removal(std::string_view headers, std::string_view extra_headers);

  [[nodiscard]] std::string from_url(std::string_view url) const;
  [[nodiscard]] std::string from_body(std::string_view body) const;
  /// A stream's pieces keep their bounds, unless one cuts a secret: then they become one piece.
  [[nodiscard]] std::vector<std::string> from_chunks(std::vector<std::string> chunks) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> from_headers(
      const http_headers& headers) const;

 private:
  [[nodiscard]] std::string without_known(std::string_view text) const;
  std::vector<std::string> known_;  // the longest first, so that no part of one is left
};

}  // namespace graphbit
