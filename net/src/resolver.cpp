#include "resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace graphbit {

namespace {

constexpr std::size_t threads_max = 4;
constexpr std::size_t names_kept_max = 1024;
constexpr seconds kept_for{60};

socket_address address4(in_addr address, std::uint16_t port) {
  socket_address out;
  auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr = address;
  out.size = sizeof(sockaddr_in);
  return out;
}

socket_address address6(const in6_addr& address, std::uint16_t port) {
  socket_address out;
  auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  in.sin6_addr = address;
  out.size = sizeof(sockaddr_in6);
  return out;
}

socket_address address_unix(const std::string& path) {
  socket_address out;
  auto& un = reinterpret_cast<sockaddr_un&>(out.storage);
  un.sun_family = AF_UNIX;
  // The path's length was checked when the URL was split.
  path.copy(un.sun_path, sizeof un.sun_path - 1);
  out.size = sizeof(sockaddr_un);
  return out;
}

void set_port(socket_address& address, std::uint16_t port) {
  if (address.family() == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  if (address.family() == AF_INET)
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
}

/// Blocks.
expected<address_list> ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0)
    return fail(network_error("the host name '" + host + "' cannot be resolved: " +
                              gai_strerror(failed) + "; check base_url and the network"));
  address_list all;
  for (const auto* a = found; a != nullptr; a = a->ai_next) {
    if (a->ai_addrlen > sizeof(sockaddr_storage)) continue;
    socket_address address;
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    address.size = a->ai_addrlen;
    all.push_back(address);
  }
  ::freeaddrinfo(found);
  return in_order_of_attempts(all);
}

}  // namespace

std::optional<address_list> addresses_without_dns(const origin& at) {
  if (!at.unix_path.empty()) return address_list{address_unix(at.unix_path)};
  const auto& host = at.host;
  const auto port = at.port;
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return address_list{address4(v4, port)};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return address_list{address6(v6, port)};
  if (host != "localhost" && !host.ends_with(".localhost")) return std::nullopt;  // RFC 6761
  v4.s_addr = htonl(INADDR_LOOPBACK);
  return address_list{address4(v4, port), address6(in6addr_loopback, port)};
}

address_list in_order_of_attempts(const address_list& found) {
  if (found.empty()) return {};
  address_list first, second, out;
  for (const auto& a : found) (a.family() == found.front().family() ? first : second).push_back(a);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

/// Shared by the one who asks and the thread that answers.
struct resolver::question::asker {
  std::mutex mutex;
  reactor* home;  // guarded by mutex; nullptr once the question is forgotten
  std::uint16_t port;
  callback done;  // on the reactor's thread only

  asker(reactor& at, std::uint16_t to, callback call)
      : home(&at), port(to), done(std::move(call)) {}

  /// Any thread. Under the mutex the reactor cannot go away.
  static void answer(const std::shared_ptr<asker>& self, expected<address_list> found) {
    const std::lock_guard guard(self->mutex);
    if (self->home == nullptr) return;
    if (found)
      for (auto& address : *found) set_port(address, self->port);
    self->home->post([self, found = std::move(found)]() mutable {
      if (auto call = std::exchange(self->done, nullptr)) call(std::move(found));
    });
  }
  void forget() {
    const std::lock_guard guard(mutex);
    home = nullptr;
    done = nullptr;
  }
};

resolver::question& resolver::question::operator=(question&& other) noexcept {
  std::swap(asker_, other.asker_);
  return *this;
}

resolver::question::~question() {
  if (asker_) asker_->forget();
}

struct resolver::service {
  struct kept {
    address_list addresses;
    time_point until;
  };
  const pid_t owner = ::getpid();
  std::mutex mutex;  // guards all that follows
  std::map<std::string, kept> known;
  std::map<std::string, std::vector<std::shared_ptr<question::asker>>> waiting;
  std::deque<std::string> to_ask;
  std::size_t threads = 0;
};

/// Never destroyed, because its threads may outlive everything else. A forked child gets its own:
/// it has none of its parent's threads.
resolver::service& resolver::current() {
  static std::atomic<service*> instance{new service};
  auto* found = instance.load();
  if (found->owner == ::getpid()) return *found;
  auto fresh = std::make_unique<service>();
  if (instance.compare_exchange_strong(found, fresh.get())) return *fresh.release();
  return *found;
}

resolver::question resolver::ask(reactor& home, const origin& to, callback done) {
  const auto& host = to.host;
  auto who = std::make_shared<question::asker>(home, to.port, std::move(done));
  if (auto known = addresses_without_dns(to)) {
    question::asker::answer(who, std::move(*known));
    return question(std::move(who));
  }
  auto& at = current();
  const std::lock_guard guard(at.mutex);
  if (const auto found = at.known.find(host); found != at.known.end()) {
    if (found->second.until > steady_clock::now()) {
      question::asker::answer(who, found->second.addresses);
      return question(std::move(who));
    }
    at.known.erase(found);
  }
  auto& others = at.waiting[host];
  others.push_back(who);
  if (others.size() == 1) {
    at.to_ask.push_back(host);
    if (at.threads < threads_max) start_thread(at);
  }
  return question(std::move(who));
}

void resolver::start_thread(service& at) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the thread
  pthread_t thread;
  const int failed = ::pthread_create(
      &thread, &attributes,
      [](void* service_at) -> void* {
        work(*static_cast<service*>(service_at));
        return nullptr;
      },
      &at);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  // Without a thread at all the question stays open, and its asker's connect timeout ends it.
  if (failed == 0) ++at.threads;
}

/// A thread's life: answers what is asked, then ends.
void resolver::work(service& at) {
  std::unique_lock lock(at.mutex);
  while (!at.to_ask.empty()) {
    const auto host = std::move(at.to_ask.front());
    at.to_ask.pop_front();
    lock.unlock();
    const auto found = ask_system(host);
    lock.lock();
    if (at.known.size() >= names_kept_max) at.known.clear();
    if (found)
      at.known.insert_or_assign(host, service::kept{*found, steady_clock::now() + kept_for});
    const auto askers = std::move(at.waiting[host]);
    at.waiting.erase(host);
    lock.unlock();
    for (const auto& who : askers) question::asker::answer(who, found);
    lock.lock();
  }
  --at.threads;
}

}  // namespace graphbit
