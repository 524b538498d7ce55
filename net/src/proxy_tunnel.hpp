#pragma once

#include <string>

#include "http_proxy.hpp"
#include "http_response_parser.hpp"
#include "transport.hpp"

namespace graphbit {

/// Asks a proxy for a tunnel to a host (CONNECT, RFC 9110, 9.3.6), over a connection to the proxy.
class proxy_tunnel {
 public:
  proxy_tunnel(const http_proxy& by, const origin& to);

  /// Goes on as far as the connection lets it: `done` when the tunnel stands.
  [[nodiscard]] io_status step(transport& over);
  /// Why it failed.
  [[nodiscard]] const error& fault() const noexcept { return fault_; }

 private:
  [[nodiscard]] io_status read(transport& over);
  [[nodiscard]] io_status refuse(error why);
  [[nodiscard]] error refusal(int status) const;

  std::string proxy_name_;
  std::string request_;
  std::size_t sent_ = 0;
  http_headers headers_;
  http_response_parser parser_;
  error fault_;
};

}  // namespace graphbit
