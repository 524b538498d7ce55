#pragma once

#include <graphbit/net/price_table.hpp>

namespace graphbit {
class runtime;
}

/// What models cost in this process: kept beside the runtime, which may end and start again.
/// Everything needs the GIL.
namespace graphbit::python {

/// The prices that were set, or the built-in ones.
[[nodiscard]] price_table prices_in_force();
/// For the running runtime and those to come.
void set_prices_in_force(price_table table);
/// Gives a runtime that starts the prices that were set.
void bring_prices(runtime& home);

}  // namespace graphbit::python
