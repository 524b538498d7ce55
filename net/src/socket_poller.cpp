#include "socket_poller.hpp"

#include <sys/epoll.h>

#include <array>
#include <stdexcept>

#include <boost/asio/posix/stream_descriptor.hpp>

namespace graphbit {

namespace {

constexpr std::uint32_t watched_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

class socket_poller::set : public std::enable_shared_from_this<set> {
 public:
  set(reactor& home, std::weak_ptr<owner> owned_by)
      : descriptor_(home.context(), make_epoll()), owner_(std::move(owned_by)) {}

  void wait() {
    descriptor_.async_wait(descriptor_type::wait_read,
                           [weak = weak_from_this()](const boost::system::error_code& failed) {
                             if (failed) return;
                             if (const auto self = weak.lock()) self->turn();
                           });
  }
  [[nodiscard]] bool control(int operation, int fd, socket_watcher* watcher) {
    epoll_event event{};
    event.events = watched_events;
    event.data.ptr = watcher;
    return ::epoll_ctl(descriptor_.native_handle(), operation, fd, &event) == 0;
  }
  void stop() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    owner_.reset();
  }

 private:
  using descriptor_type = boost::asio::posix::stream_descriptor;

  static int make_epoll() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::runtime_error("epoll_create1 failed: out of file descriptors");
    return fd;
  }

  /// One batch of events; what is left makes the descriptor ready again, after others' turn.
  void turn() {
    const auto owned_by = owner_.lock();
    if (!owned_by) return;
    owned_by->turn_begins();
    const int count = ::epoll_wait(descriptor_.native_handle(), events_.data(),
                                   static_cast<int>(events_.size()), 0);
    for (int i = 0; i < count; ++i) {
      const auto& event = events_[static_cast<std::size_t>(i)];
      static_cast<socket_watcher*>(event.data.ptr)->on_ready(event.events);
    }
    if (descriptor_.is_open()) wait();
    owned_by->turn_ends();
  }

  descriptor_type descriptor_;
  std::weak_ptr<owner> owner_;
  std::array<epoll_event, 128> events_{};
};

socket_poller::socket_poller(reactor& home, std::weak_ptr<owner> owned_by)
    : set_(std::make_shared<set>(home, std::move(owned_by))) {
  set_->wait();
}

socket_poller::~socket_poller() { set_->stop(); }

bool socket_poller::add(int fd, socket_watcher& watcher) {
  return set_->control(EPOLL_CTL_ADD, fd, &watcher);
}

void socket_poller::change(int fd, socket_watcher& watcher) {
  static_cast<void>(set_->control(EPOLL_CTL_MOD, fd, &watcher));
}

void socket_poller::remove(int fd) { static_cast<void>(set_->control(EPOLL_CTL_DEL, fd, nullptr)); }

}  // namespace graphbit
