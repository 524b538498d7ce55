#include "signal_check.hpp"

#include "gil.hpp"

namespace graphbit::python {

bool signal_raised() {
  // Asked by a thread that may be running a reactor: it must not sleep here.
  if (!try_enter_python()) return true;
  const PyGILState_STATE state = PyGILState_Ensure();
  entered_python();
  const bool raised = PyErr_CheckSignals() != 0;
  PyGILState_Release(state);
  return raised;
}

}  // namespace graphbit::python
