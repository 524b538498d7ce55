#include "inherited_sockets.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace graphbit {

namespace {

struct registry {
  std::mutex mutex;
  std::vector<int> open;  // guarded by mutex

  registry();
};

/// Never destroyed: a fork may come at any time.
registry& sockets() {
  static auto& instance = *new registry;
  return instance;
}

registry::registry() {
  // The mutex is held over the fork, so that the child finds the list whole.
  ::pthread_atfork([] { sockets().mutex.lock(); }, [] { sockets().mutex.unlock(); },
                   [] {
                     for (const int fd : sockets().open) ::close(fd);
                     sockets().open.clear();
                     sockets().mutex.unlock();
                   });
}

}  // namespace

void remember_socket(int fd) {
  auto& all = sockets();
  const std::lock_guard guard(all.mutex);
  all.open.push_back(fd);
}

void forget_socket(int fd) noexcept {
  auto& all = sockets();
  const std::lock_guard guard(all.mutex);
  // The one that is closed is mostly among the last opened.
  const auto found = std::find(all.open.rbegin(), all.open.rend(), fd);
  if (found == all.open.rend()) return;
  *found = all.open.back();
  all.open.pop_back();
}

}  // namespace graphbit
