#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <graphbit/net/url.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit {

/// Where a socket may connect to.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

using address_list = std::vector<socket_address>;

/// The addresses that need no asking: of numbers ("127.0.0.1", "::1"), of "localhost", of Unix
/// sockets.
[[nodiscard]] std::optional<address_list> addresses_without_dns(const origin& at);

/// Interleaves the families, the first one's first (RFC 8305, section 4).
[[nodiscard]] address_list in_order_of_attempts(const address_list& found);

/// Names to addresses, asked of the system (`getaddrinfo`) on at most four detached threads.
///
/// Problem: `getaddrinfo` blocks for as long as it likes and cannot be stopped. Its threads are
/// therefore nobody's: they hold no reference to a reactor or a runtime, are never joined, and the
/// process may end under them. Answers are kept for 60 s; failures are not.
class resolver {
 public:
  using callback = std::function<void(expected<address_list>)>;

  /// Stands for one question, on its reactor's thread; destroying it forgets the question.
  class question {
   public:
    question() = default;
    question(question&&) noexcept = default;
    question& operator=(question&& other) noexcept;
    ~question();

   private:
    friend class resolver;
    struct asker;
    explicit question(std::shared_ptr<asker> who) : asker_(std::move(who)) {}
    std::shared_ptr<asker> asker_;
  };

  /// Asks for `at`'s host; `done` is called once on the reactor's thread, never inside this call,
  /// unless the question is destroyed first. Errors: Network.
  [[nodiscard]] static question ask(reactor& home, const origin& at, callback done);

 private:
  struct service;
  static service& current();
  static void work(service& at);
  static void start_thread(service& at);
};

}  // namespace graphbit
