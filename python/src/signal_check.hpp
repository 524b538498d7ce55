#pragma once

namespace graphbit::python {

/// What blocking calls ask every 50 ms: whether a Python signal handler raised (Ctrl-C), or the
/// interpreter is ending. The exception stays set on this thread, to be thrown once the GIL is back
/// for good.
[[nodiscard]] bool signal_raised();

}  // namespace graphbit::python
