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
    owner = nullptr;
    system.reset();
    member.reset();
    rt.shutdown();
  }

  void spawn_owner() {
    const spawn_scope scope;
    owner_options options{.seeds = {member->address()}};
    peer_self self{.cluster = options.cluster, .name = "killed owner", .role = peer_role::owner};
    owner = system->actors().spawn(own_work,
                                   owner_setup{system, self, options, {}, link_settings{}, board});
  }
  void kill() { caf::anon_send_exit(owner, caf::exit_reason::kill); }

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
    board->put(submit_call{std::move(call), config, &rt.reactor_at(0)}, owner);
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
    board->put(submit_function{board->next_id++, std::move(function)}, owner);
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
  caf::actor owner;
};

TEST_F(owner_kill_test, everybody_is_answered_once_when_the_owner_dies) {
  spawn_owner();
  auto function = ask_function();
  std::thread load([this] {
    for (int i = 0; i < calls; ++i) ask();
  });
  EXPECT_TRUE(soon([this] { return answers > 20; }));
  kill();
  load.join();
  EXPECT_TRUE(soon([this] { return answers == calls; })) << answers;
  ASSERT_EQ(function.wait_for(seconds{20}), std::future_status::ready);
  EXPECT_FALSE(function.get());
  EXPECT_TRUE(board->closed);
  ask();
  EXPECT_TRUE(soon([this] { return answers == calls + 1; })) << "it is refused at once";
  auto late = ask_function();
  ASSERT_EQ(late.wait_for(seconds{20}), std::future_status::ready);
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

TEST_F(owner_kill_test, a_function_under_way_outlives_its_member) {
  spawn_owner();
  auto function = ask_function();
  EXPECT_TRUE(soon([this] { return begun == 1; }));
  member.reset();
  released = true;
  EXPECT_TRUE(soon([this] { return ended == 1; }));
  EXPECT_EQ(cut_off, 0) << "what it runs on was destroyed under it";
  kill();
  ASSERT_EQ(function.wait_for(seconds{20}), std::future_status::ready);
  EXPECT_FALSE(function.get());
}

}  // namespace
}  // namespace graphbit::cluster
