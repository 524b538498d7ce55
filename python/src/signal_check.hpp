#pragma once

#include "gil.hpp"

namespace graphbit::python {

/// What blocking calls ask every 50 ms: whether a Python signal handler raised (Ctrl-C). The
/// exception stays set on this thread, to be thrown once the GIL is back for good.
[[nodiscard]] inline bool signal_raised() {
  const gil_guard gil;
  return PyErr_CheckSignals() != 0;
}

}  // namespace graphbit::python
