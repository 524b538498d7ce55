#pragma once

#include <Python.h>

#include <cxxabi.h>

#include <utility>

namespace graphbit::python {

/// Marks that the interpreter is ending; from then on other threads never get the GIL again.
///
/// Problem: before Python 3.14 a thread that asks for the GIL while the interpreter ends is ended
/// by `pthread_exit`, which unwinds through C++ frames and aborts the process. So each thread asks
/// here first: once the end has begun, every thread but the ending one sleeps until the process
/// is gone. Waits until no thread is between asking and having the GIL. Needs the GIL; frees it
/// while it waits.
void begin_interpreter_exit();

/// In a forked child: threads that were entering Python are not there.
void forget_parents_threads() noexcept;

/// True from then on. Any thread.
[[nodiscard]] bool interpreter_is_exiting() noexcept;

/// To be called right before the GIL is taken, and `entered_python` right after.
void enter_python() noexcept;
void entered_python() noexcept;
/// The same for who must not sleep (a thread that runs a reactor): false, and nothing to call
/// afterwards, when the interpreter is ending.
[[nodiscard]] bool try_enter_python() noexcept;

/// Runs `work` without the GIL and gives its result.
template <class Work>
auto without_gil(Work&& work) {
  PyThreadState* const state = PyEval_SaveThread();
  const auto restore = [state] {
    enter_python();
    PyEval_RestoreThread(state);
    entered_python();
  };
  try {
    auto result = std::forward<Work>(work)();
    restore();
    return result;
  } catch (abi::__forced_unwind&) {
    throw;
  } catch (...) {
    restore();
    throw;
  }
}

/// Holds the GIL on a thread that may not be Python's.
class gil_guard {
 public:
  gil_guard() {
    enter_python();
    state_ = PyGILState_Ensure();
    entered_python();
  }
  ~gil_guard() { PyGILState_Release(state_); }
  gil_guard(const gil_guard&) = delete;
  gil_guard& operator=(const gil_guard&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace graphbit::python
