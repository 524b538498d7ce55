#include "gil.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace graphbit::python {

namespace {

std::atomic<bool> exiting{false};
std::atomic<int> entering{0};
std::thread::id exiting_thread;  // written before `exiting`

constexpr std::chrono::seconds patience{2};

[[noreturn]] void sleep_until_the_process_ends() noexcept {
  for (;;) pause();
}

}  // namespace

void begin_interpreter_exit() {
  exiting_thread = std::this_thread::get_id();
  exiting.store(true);
  PyThreadState* const state = PyEval_SaveThread();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (entering.load() != 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  PyEval_RestoreThread(state);
}

void forget_parents_threads() noexcept { entering.store(0); }

bool interpreter_is_exiting() noexcept { return exiting.load(); }

bool try_enter_python() noexcept {
  entering.fetch_add(1);
  if (!exiting.load() || std::this_thread::get_id() == exiting_thread) return true;
  entering.fetch_sub(1);
  return false;
}

void enter_python() noexcept {
  if (!try_enter_python()) sleep_until_the_process_ends();
}

void entered_python() noexcept { entering.fetch_sub(1); }

}  // namespace graphbit::python
