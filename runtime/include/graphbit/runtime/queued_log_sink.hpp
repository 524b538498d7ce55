#pragma once

#include <cstddef>
#include <functional>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

/// Makes a sink for `set_log_sink` out of one that may block (a network, a slow disk): lines are
/// queued and given to `slow` by a thread of its own, so that no reactor ever waits for it.
///
/// At most `lines_max` lines wait; what comes then is dropped, and the next line that is taken is
/// preceded by one that counts them. What `slow` throws is dropped. Replacing the sink gives the
/// lines that wait to `slow` first, and joins the thread.
[[nodiscard]] std::function<void(const log_line&)> queued_log_sink(
    std::function<void(const log_line&)> slow, std::size_t lines_max = 8192);

}  // namespace graphbit
