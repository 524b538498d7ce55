#include "completion_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace graphbit::python {

completion_queue::completion_queue() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0)
    throw std::system_error(errno, std::generic_category(),
                            "no file descriptor left for the event loop (see ulimit -n)");
}

completion_queue::~completion_queue() { close(fd_); }

void completion_queue::push(completion done) {
  bool first = false;
  {
    const std::lock_guard guard(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(done));
  }
  if (first) eventfd_write(fd_, 1);
}

void completion_queue::take(std::vector<completion>& taken) {
  eventfd_t ignored = 0;
  eventfd_read(fd_, &ignored);
  const std::lock_guard guard(mutex_);
  taken.swap(waiting_);
}

}  // namespace graphbit::python
