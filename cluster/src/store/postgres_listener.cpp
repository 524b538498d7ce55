#include "postgres_listener.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "postgres_link.hpp"

namespace graphbit {

namespace {

constexpr milliseconds connect_timeout{3'000};
constexpr milliseconds call_timeout{10'000};
constexpr seconds look_anyway_every{1};

}  // namespace

postgres_listener::~postgres_listener() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  static_cast<void>(::eventfd_write(wake_, 1));
  thread_.join();
  ::close(wake_);
}

std::uint64_t postgres_listener::changes() {
  const std::lock_guard guard(mutex_);
  if (!thread_.joinable()) {
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  }
  return changes_;
}

void postgres_listener::changed() {
  {
    const std::lock_guard guard(mutex_);
    ++changes_;
  }
  changed_.notify_all();
}

void postgres_listener::wait(std::uint64_t seen, time_point until) {
  std::unique_lock guard(mutex_);
  const auto latest = std::min(until, system_clock().now() + look_anyway_every);
  changed_.wait_until(guard, latest, [&] { return changes_ != seen; });
}

void postgres_listener::listen(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    listen_once(stop);
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, stop, look_anyway_every, [] { return false; });
  }
}

void postgres_listener::listen_once(const std::stop_token& stop) {
  auto link = postgres_link::connect(url_, connect_timeout, call_timeout);
  if (!link || !(*link)->script("LISTEN graphbit_runs")) return;
  changed();  // of what came before, nothing was heard
  while (!stop.stop_requested() && !(*link)->broken()) {
    std::array<pollfd, 2> look{pollfd{(*link)->socket(), POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    static_cast<void>(::poll(look.data(), look.size(), -1));
    if ((*link)->read_notifications()) changed();
  }
}

}  // namespace graphbit
