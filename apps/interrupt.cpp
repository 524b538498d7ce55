#include "interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace graphbit::app {

namespace {

std::atomic<bool> signalled{false};

void on_signal(int number) {
  if (signalled.exchange(true)) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

void handle(void (*handler)(int)) {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigaction(number, &action, nullptr);  // no SA_RESTART: a blocked read ends with EINTR
  }
}

}  // namespace

interrupt::interrupt() {
  signalled = false;
  handle(on_signal);
}
interrupt::~interrupt() { handle(SIG_DFL); }
bool interrupt::came() noexcept { return signalled.load(); }

}  // namespace graphbit::app
