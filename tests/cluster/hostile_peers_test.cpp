// Peers that say nothing, nonsense or too much cost one closed connection, and hosts that swallow
// packets hold up nobody else.

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <caf/io/basp/all.hpp>

#include <graphbit/cluster/owner.hpp>
#include <graphbit/runtime/random.hpp>

#include <src/member/member_actor.hpp>
#include <src/peer/frame_message.hpp>
#include <src/peer/own_name.hpp>
#include <src/wire/frame.hpp>

#include "value_of.hpp"

namespace graphbit::cluster {
namespace {

constexpr seconds patience{60};

/// Waits until the other side has closed; false when it does not.
[[nodiscard]] bool is_closed_by_peer(int fd) {
  const auto until = steady_clock::now() + patience;
  char buffer[4096];
  while (steady_clock::now() < until) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, 100) == 0) continue;
    const auto got = recv(fd, buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return true;
  }
  return false;
}

/// A member with little patience.
class HostilePeersTest : public testing::Test {
 public:
  ~HostilePeersTest() override {
    if (!door) return;
    const spawn_scope scope;
    system->unpublish(port);
    caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
    caf::scoped_actor waiting(system->actors());
    waiting->wait_for(door);
    door = nullptr;
  }

 protected:
  HostilePeersTest() {
    links.handshake_patience = milliseconds{300};
    links.detector.interval = milliseconds{50};
  }

  void open_door() {
    system = std::make_shared<link_system>(certificate_files{}, links);
    const spawn_scope scope;
    peer_self self{.cluster = "graphbit", .name = "m", .role = peer_role::member, .incarnation = 1};
    door = system->actors().spawn(
        serve_owners, member_setup{&rt, system, self, {}, links, std::make_shared<member_board>()});
    const auto published = system->publish(door, "127.0.0.1", port);
    ASSERT_TRUE(published) << published.error().message;
    port = *published;
    caf::anon_send(door, listen_atom::value, address());
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port); }

  [[nodiscard]] tcp_connection dial() const {
    auto made = connect_tcp("127.0.0.1", port, milliseconds{5'000});
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  void expect_that_others_are_served() {
    const auto o = *owner::open(rt, {.seeds = {address()}, .name = "honest"});
    EXPECT_TRUE(o.wait_for_members(1, patience));
    o.close();
  }

  runtime rt;
  link_settings links;
  std::shared_ptr<link_system> system;
  caf::actor door;
  std::uint16_t port = 0;
};

TEST_F(HostilePeersTest, SilenceCostsItsConnection) {
  open_door();
  const auto silent = dial();
  EXPECT_TRUE(is_closed_by_peer(silent.fd()));
  expect_that_others_are_served();
}

TEST_F(HostilePeersTest, GarbageCostsItsConnection) {
  open_door();
  random_source random(7);
  for (int i = 0; i < 20; ++i) {
    const auto babbler = dial();
    std::string bytes(1 + random.below(2000), '\0');
    for (auto& c : bytes) c = static_cast<char>(random.below(256));
    EXPECT_EQ(send(babbler.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    EXPECT_TRUE(is_closed_by_peer(babbler.fd())) << i;
  }
  expect_that_others_are_served();
}

[[nodiscard]] long memory_peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_F(HostilePeersTest, APromiseOfFourGigabytesCostsItsConnectionAndNoMemory) {
  open_door();
  expect_that_others_are_served();
  const auto boaster = dial();
  const caf::io::basp::header header(caf::io::basp::message_type::client_handshake, 0, 0xffffffff,
                                     0, caf::invalid_actor_id, caf::invalid_actor_id);
  std::vector<char> bytes;
  caf::binary_serializer write(system->actors(), bytes);
  ASSERT_FALSE(write(header));
  ASSERT_TRUE(caf::io::basp::valid(header)) << "it is the promise that is refused";
  const long before = memory_peak_kib();
  EXPECT_EQ(send(boaster.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
  EXPECT_TRUE(is_closed_by_peer(boaster.fd()));
  EXPECT_LT(memory_peak_kib() - before, 512 * 1024);
  expect_that_others_are_served();
}

/// A process that speaks CAF's protocol and no more of ours than it wants.
class stranger {
 public:
  explicit stranger(std::uint16_t port, const link_settings& links)
      : system_(certificate_files{}, links), self_(system_.actors()) {
    auto connection = system_.dress(value_of(connect_tcp("127.0.0.1", port, milliseconds{5'000})));
    self_
        ->request(system_.broker(), caf::duration{patience}, caf::connect_atom::value, *connection,
                  port)
        .receive([&](const caf::node_id&, const caf::strong_actor_ptr& to,
                     const std::set<std::string>&) { door_ = to; },
                 [](const caf::error&) { ADD_FAILURE() << "no connection"; });
    self_->monitor(door_);
  }
  void say(const message& m) {
    writer_.add(m);
    for (auto& bytes : writer_.take())
      self_->send(caf::actor_cast<caf::actor>(door_), frame{writer_.version(), std::move(bytes)});
  }
  void say_bytes(std::string bytes) {
    self_->send(caf::actor_cast<caf::actor>(door_), frame{writer_.version(), std::move(bytes)});
  }
  void shake_hands() {
    dialling_handshake handshake({.cluster = "graphbit", .name = "flood", .incarnation = 1},
                                 "127.0.0.1", link_system::make_nonce());
    say(handshake.first());
    frame_reader reader(protocol_version_min);
    self_->receive([&](const frame& f) {
      const auto said = value_of(reader.read(f.bytes));
      say(*handshake.answer(std::get<welcome>(said.front())));
    });
  }
  [[nodiscard]] bool is_closed(milliseconds within = patience) {
    bool down = false;
    const auto until = steady_clock::now() + within;
    while (!down && steady_clock::now() < until)
      self_->receive([&](const caf::down_msg&) { down = true; }, [](const frame&) {},
                     caf::after(milliseconds{10}) >> [] {});
    return down;
  }

 private:
  const spawn_scope scope_;
  link_system system_;
  caf::scoped_actor self_;
  caf::strong_actor_ptr door_;
  frame_writer writer_{protocol_version_min};
};

TEST_F(HostilePeersTest, WhoNeverGreetsIsHungUpOn) {
  open_door();
  stranger mute(port, links);
  EXPECT_TRUE(mute.is_closed());
  stranger rude(port, links);
  rude.say(heartbeat{1});
  EXPECT_TRUE(rude.is_closed());
  stranger broken(port, links);
  broken.say_bytes("this is no frame");
  EXPECT_TRUE(broken.is_closed());
  expect_that_others_are_served();
}

TEST_F(HostilePeersTest, AFloodCostsItsConnection) {
  links.detector.interval = milliseconds{1'000};
  links.handshake_patience = milliseconds{30'000};
  open_door();
  stranger flood(port, links);
  flood.shake_hands();
  bool closed = false;
  for (int wave = 0; wave < 200 && !closed; ++wave) {
    for (int i = 0; i < 5'000; ++i) flood.say(heartbeat{1});
    closed = flood.is_closed(milliseconds{20});
  }
  EXPECT_TRUE(closed || flood.is_closed());
  expect_that_others_are_served();
}

// It takes a connection into its queue, and drops the packets of every other.
class black_hole {
 public:
  black_hole() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    EXPECT_EQ(bind(socket_.fd(), reinterpret_cast<sockaddr*>(&where), size), 0);
    EXPECT_EQ(listen(socket_.fd(), 0), 0);
    getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&where), &size);
    port_ = ntohs(where.sin_port);
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  tcp_connection socket_;
  std::uint16_t port_ = 0;
};

TEST_F(HostilePeersTest, AHostThatSwallowsPacketsHoldsUpNoOther) {
  port = black_hole{}.port();  // free again, and the member's as soon as it opens
  const black_hole hole;
  const auto o =
      *owner::open(rt, {.seeds = {"127.0.0.1:" + std::to_string(hole.port()), address()}});
  EXPECT_FALSE(o.wait_for_members(1, milliseconds{500}));  // it is dialling into the hole by now
  open_door();
  EXPECT_TRUE(o.wait_for_members(1, milliseconds{30'000}));
  o.close();
}

}  // namespace
}  // namespace graphbit::cluster
