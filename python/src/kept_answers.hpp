#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace graphbit {
class runtime;
}

/// Where this process's response cache keeps its answers: kept beside the runtime, which may end
/// and start again. Everything needs the GIL.
namespace graphbit::python {

/// For the running runtime and those to come; without a path: in memory alone. Raises ValueError
/// when the file cannot serve; nothing is changed then.
void keep_answers_in(const std::optional<std::string>& path, std::uint64_t bytes_max);
/// Gives a runtime that starts the file that was named.
void bring_kept_answers(runtime& home);
/// After `fork`, in the child: opens the file anew; what the parent's threads were at is left
/// alone.
void renew_kept_answers();

}  // namespace graphbit::python
