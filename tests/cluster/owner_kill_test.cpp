// The actors of an owner die under load: whoever waits is answered once, and what can be is started
// again.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include <graphbit/cluster/node.hpp>
#include <graphbit/net/simulator.hpp>

#include <src/member/member_actor.hpp>
#include <src/owner/owner_actor.hpp>

namespace graphbit::cluster {
namespace {

class owner_kill_test : public ::testing::Test {
 protected:
  static constexpr int calls = 500;

  void SetUp() override {
    ASSERT_TRUE(provider.start());
    ASSERT_TRUE(provider.configure(R"({"latency_ms": 5})"));
    node_options options{.listen = "127.0.0.1:0"};
    options.callables = {
        {"slow", [this, own = std::make_shared<int>(1)](const json_value&) { return slow(own); }}};
    auto started = node::start(rt, std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    member = std::move(*started);
    auto asked = std::make_shared<provider_config>();
    asked->provider = "openai_compatible";
    asked->base_url = provider.url() + "/v1";
    asked->model = "test-model";
    asked->api_key = secret("sk-test");
    config = asked;
    system = std::make_shared<link_system>(certificate_files{}, link_settings{});
  }
  void TearDown() override {
    released = true;
    if (above) static_cast<void>(above.shut_down(seconds{10}));
    above = {};
    board->is_served_by(nullptr);
    EXPECT_TRUE(soon([this] { return system.use_count() == 1; }));
    system.reset();
    member.reset();
    rt.shutdown();
  }

  void start_owner() {
    owner_options options{.seeds = {member->address()}};
    peer_self self{.cluster = options.cluster, .name = "killed owner", .role = peer_role::owner};
    above = supervise_owner({system, self, options, {}, link_settings{}, board});
  }
  void kill_owner() {
    const auto reports = children();
    ASSERT_EQ(reports.size(), 1u);
    caf::anon_send_exit(reports[0].handle, caf::exit_reason::kill);
  }
  [[nodiscard]] std::vector<child_report> children() {
    const spawn_scope scope;
    caf::scoped_actor self{system->actors()};
    std::vector<child_report> found;
    self->request(above.actor(), caf::infinite, tree_atom::value)
        .receive([&](child_reports& answer) { found = std::move(answer.children); },
                 [](caf::error&) {});
    return found;
  }

  struct sink final : chat_sink {
    explicit sink(std::atomic<int>& n) : answers(n) {}
    void on_done(expected<chat_response>) override { ++answers; }
    std::atomic<int>& answers;
  };
  void ask() {
    chat_request request;
    request.messages.push_back({.role = chat_role::user, .text = "hi"});
    auto call = std::make_shared<pending_call>(std::move(request), call_options{},
                                               std::make_unique<sink>(answers), false);
    call->id = board->next_id++;
    board->put(submit_call{std::move(call), config, &rt.reactor_at(0)});
  }
  // `own`: something of the function's closure, which lives while the function runs.
  expected<json_value> slow(const std::weak_ptr<int>& own) {
    ++begun;
    while (!released) std::this_thread::sleep_for(milliseconds{1});
    if (own.expired()) ++cut_off;
    ++ended;
    return json_value(1);
  }
  [[nodiscard]] std::future<expected<json_value>> ask_function() {
    auto answer = std::make_shared<std::promise<expected<json_value>>>();
    auto function = std::make_shared<waiting_function>();
    function->name = "slow";
    function->arguments = "{}";
    function->done = [answer](expected<json_value> value) { answer->set_value(std::move(value)); };
    board->put(submit_function{board->next_id++, std::move(function)});
    return answer->get_future();
  }
  template <class Condition>
  [[nodiscard]] static bool soon(Condition holds) {
    for (int i = 0; i < 30'000 && !holds(); ++i) std::this_thread::sleep_for(milliseconds{1});
    return holds();
  }

  std::atomic<bool> released{false};
  std::atomic<int> answers{0};
  std::atomic<int> begun{0}, ended{0}, cut_off{0};  // functions
  sim::simulator provider;
  runtime rt{{.worker_threads = 2, .reactors = 1}};
  std::unique_ptr<node> member;
  std::shared_ptr<const provider_config> config;
  std::shared_ptr<link_system> system;
  std::shared_ptr<owner_board> board = std::make_shared<owner_board>();
  supervisor above;  // the owner's
};

TEST_F(owner_kill_test, everybody_is_answered_once_when_the_owner_dies_and_its_successor_goes_on) {
  start_owner();
  auto function = ask_function();
  std::thread load([this] {
    for (int i = 0; i < calls; ++i) ask();
  });
  EXPECT_TRUE(soon([this] { return answers > 20; }));
  EXPECT_TRUE(soon([this] { return begun == 1; }));
  kill_owner();
  load.join();
  EXPECT_TRUE(soon([this] { return answers == calls; })) << answers;
  ASSERT_EQ(function.wait_for(seconds{20}), std::future_status::ready);
  EXPECT_FALSE(function.get());
  EXPECT_FALSE(board->closed);
  const auto succeeded = board->succeeded.load();
  ask();
  EXPECT_TRUE(soon([&] { return answers == calls + 1; }));
  EXPECT_EQ(board->succeeded, succeeded + 1) << "the next one has found the members again";
  EXPECT_EQ(children().at(0).restarts, 1u);
}

TEST_F(owner_kill_test, an_owner_that_dies_again_and_again_closes_its_cluster) {
  start_owner();
  const auto killed = [this] {
    const auto now = children();
    for (const auto& child : now)
      if (child.handle) caf::anon_send_exit(child.handle, caf::exit_reason::kill);
    return board->closed.load();
  };
  EXPECT_TRUE(soon(killed));
  ask();
  EXPECT_TRUE(soon([this] { return answers == 1; })) << "it is refused at once";
  auto late = ask_function();
  ASSERT_EQ(late.wait_for(seconds{20}), std::future_status::ready);
  EXPECT_FALSE(late.get());
}

TEST_F(owner_kill_test, a_member_whose_actor_died_says_so) {
  const auto seen = std::make_shared<member_board>();
  caf::actor door;
  {
    const spawn_scope scope;
    peer_self self{.name = "killed member", .role = peer_role::member};
    door = system->actors().spawn(serve_owners, member_setup{&rt, system, self, {}, {}, seen});
  }
  caf::anon_send_exit(door, caf::exit_reason::kill);
  EXPECT_TRUE(soon([&] { return seen->draining.load(); }));
  EXPECT_TRUE(seen->failed);
}

/// What an actor that keeps a roster sees of its links.
struct links_seen {
  std::atomic<int> opened{0}, lost{0};
};
using kill_atom = caf::atom_constant<caf::atom("kill")>;

caf::behavior keep_roster(caf::event_based_actor* self, const link_setup& about,
                          const std::shared_ptr<links_seen>& seen) {
  const auto kept = std::make_shared<roster>(self, about);
  kept->dial_seeds({about.address});
  self->set_exit_handler([self, kept](const caf::exit_msg& m) {
    kept->end();
    self->quit(m.reason);
  });
  self->set_down_handler([kept, seen](const caf::down_msg& down) {
    for (const auto& closed : kept->died(down.source, "its actor died")) {
      kept->closed(closed);
      ++seen->lost;
    }
    kept->dial_again(steady_clock::now());
  });
  return {
      [kept, seen](const link_event_ptr& event) {
        const auto* opened = std::get_if<link_opened>(&*event);
        if (opened != nullptr && kept->opened(*opened)) ++seen->opened;
      },
      [kept, address = about.address](kill_atom) {
        caf::anon_send_exit(kept->dialler_of(address), caf::exit_reason::kill);
      },
  };
}

TEST_F(owner_kill_test, a_link_whose_actor_died_is_dialled_again) {
  const auto seen = std::make_shared<links_seen>();
  caf::actor keeper;
  {
    const spawn_scope scope;
    peer_self self{.cluster = owner_options{}.cluster, .name = "owner", .role = peer_role::owner};
    keeper = system->actors().spawn(
        keep_roster, link_setup{system, self, member->address(), link_settings{}, {}}, seen);
  }
  for (int deaths = 1; deaths <= 3; ++deaths) {
    EXPECT_TRUE(soon([&] { return seen->opened == deaths; })) << seen->opened;
    caf::anon_send(keeper, kill_atom::value);
    EXPECT_TRUE(soon([&] { return seen->lost == deaths; })) << seen->lost;
  }
  EXPECT_TRUE(soon([&] { return seen->opened == 4; }));
  system->end(keeper);
}

TEST_F(owner_kill_test, a_function_under_way_outlives_its_member) {
  start_owner();
  auto function = ask_function();
  EXPECT_TRUE(soon([this] { return begun == 1; }));
  member.reset();
  released = true;
  EXPECT_TRUE(soon([this] { return ended == 1; }));
  EXPECT_EQ(cut_off, 0) << "what it runs on was destroyed under it";
  kill_owner();
  ASSERT_EQ(function.wait_for(seconds{20}), std::future_status::ready);
  EXPECT_FALSE(function.get());
}

}  // namespace
}  // namespace graphbit::cluster
