#pragma once

#include <string_view>

namespace graphbit {

/// The dashboard as one self-contained HTML page: actors/dashboard/page.html, built in.
[[nodiscard]] std::string_view dashboard_page() noexcept;

}  // namespace graphbit
