#include "proxy_tunnel.hpp"

#include <array>
#include <utility>

namespace graphbit {

proxy_tunnel::proxy_tunnel(const http_proxy& by, const origin& to)
    : proxy_name_("the proxy " + by.at.authority()) {
  // The port is always told here, also where it is the scheme's own.
  auto target = origin{false, to.host, to.port}.authority();
  if (to.port == 80) target += ":80";
  request_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!by.authorization.empty()) request_ += "Proxy-Authorization: " + by.authorization + "\r\n";
  request_ += "\r\n";
  parser_.start(headers_, true);
}

io_status proxy_tunnel::step(transport& over) {
  while (sent_ < request_.size()) {
    const auto moved = over.write_some(std::string_view(request_).substr(sent_), {});
    if (moved.status == io_status::would_block) return moved.status;
    if (moved.status != io_status::done) return refuse(over.fault());
    sent_ += moved.bytes;
  }
  return read(over);
}

io_status proxy_tunnel::read(transport& over) {
  using event = http_response_parser::event;
  std::array<char, 4096> buffer;
  while (true) {
    const auto got = over.read_some(buffer.data(), buffer.size());
    if (got.status == io_status::would_block) return got.status;
    if (got.status == io_status::failed) return refuse(over.fault());
    if (got.status == io_status::eof)
      return refuse(network_error(proxy_name_ + " closed the connection instead of answering"));
    std::string_view input(buffer.data(), got.bytes);
    auto what = parser_.next(input);
    if (what == event::head_complete) what = parser_.next(input);
    if (what == event::failed) return refuse(parser_.fault());
    if (what != event::complete) continue;
    if (parser_.status() / 100 != 2) return refuse(refusal(parser_.status()));
    // The server behind speaks TLS, so it waits for us: these bytes would be somebody else's.
    if (!input.empty()) return refuse(network_error(proxy_name_ + " sent bytes into the tunnel"));
    return io_status::done;
  }
}

io_status proxy_tunnel::refuse(error why) {
  fault_ = std::move(why);
  return io_status::failed;
}

error proxy_tunnel::refusal(int status) const {
  auto e = network_error(proxy_name_ + " refused the tunnel with status " + std::to_string(status) +
                         (status == 407 ? ": give its user and password in HTTPS_PROXY"
                                        : ": check HTTPS_PROXY and NO_PROXY"));
  if (status < 500) e.retry = retry_rule::never;
  return e;
}

}  // namespace graphbit
