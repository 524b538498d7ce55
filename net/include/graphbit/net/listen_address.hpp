#pragma once

#include <string_view>

#include <graphbit/net/http_server.hpp>

namespace graphbit {

/// Sets host and port from "HOST:PORT", "[::1]:PORT", ":PORT" or "HOST"; what is not named stays.
/// Error: Configuration{listen} for anything else.
[[nodiscard]] expected<void> set_listen_address(http_server_options& options,
                                                std::string_view text);
/// True for "localhost" and the addresses that only this machine reaches.
[[nodiscard]] bool is_loopback(std::string_view host) noexcept;

}  // namespace graphbit
