// Supervision of actors of one's own, and the tree that shows it.
#include <graphbit/actors/supervisor.hpp>

#include <future>
#include <latch>
#include <mutex>
#include <thread>

#include <graphbit/actors/executor.hpp>
#include <graphbit/runtime/pinned_actor.hpp>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using crash_atom = caf::atom_constant<caf::atom("crash")>;
using stick_atom = caf::atom_constant<caf::atom("stick")>;
using count_atom = caf::atom_constant<caf::atom("count")>;

class supervisor_test : public ::testing::Test {
 protected:
  // Children write down when they start and when they are asked to end.
  [[nodiscard]] child_spec child(const std::string& name) {
    return {.kind = "child", .name = name, .start = [this, name] {
              const auto handle = rt.system().spawn([this, name](caf::event_based_actor* self) {
                install_safe_handlers(*self);
                self->set_exit_handler([this, self, name](const caf::exit_msg& exit) {
                  note("-" + name);
                  self->quit(exit.reason);
                });
                return caf::behavior{
                    [](crash_atom) { throw std::runtime_error("as asked"); },
                    [self](stick_atom) { self->set_exit_handler([](const caf::exit_msg&) {}); }};
              });
              const std::lock_guard guard(mutex);
              handles[name] = handle;
              notes.push_back("+" + name);  // whoever reads it finds the new handle
              return handle;
            }};
  }
  void note(std::string what) {
    const std::lock_guard guard(mutex);
    notes.push_back(std::move(what));
  }
  [[nodiscard]] std::vector<std::string> noted(std::size_t count) {
    for (int i = 0; i < 5000; ++i) {
      {
        const std::lock_guard guard(mutex);
        if (notes.size() >= count) break;
      }
      std::this_thread::sleep_for(milliseconds{1});
    }
    const std::lock_guard guard(mutex);
    return std::exchange(notes, {});
  }
  template <class Atom>
  void tell(const std::string& name, Atom what) {
    const std::lock_guard guard(mutex);
    caf::anon_send(handles.at(name), what);
  }
  [[nodiscard]] supervisor start(policy::restart_rule rule, duration patience = seconds{5}) {
    supervisor_settings settings;
    settings.restarts = {.rule = rule, .restarts_max = 3, .backoff_first = milliseconds{1}};
    settings.stop_patience = patience;
    auto made = supervisor::start(rt.system(), settings);
    for (const auto* name : {"a", "b", "c"}) made.start_child(child(name));
    EXPECT_EQ(noted(3), (std::vector<std::string>{"+a", "+b", "+c"}));
    EXPECT_EQ(made.children().size(), 3u);  // and all are adopted by now
    return made;
  }

  std::mutex mutex;
  std::vector<std::string> notes;
  std::map<std::string, caf::actor> handles;
  runtime rt{{.worker_threads = 2, .reactors = 1}};
};

TEST_F(supervisor_test, one_for_one_restarts_only_the_one_that_failed) {
  const auto own = start(policy::restart_rule::one_for_one);
  tell("b", crash_atom::value);
  EXPECT_EQ(noted(1), (std::vector<std::string>{"+b"}));
  EXPECT_TRUE(own.shut_down(seconds{10}));
  EXPECT_EQ(noted(3), (std::vector<std::string>{"-c", "-b", "-a"})) << "last started, first ended";
}

TEST_F(supervisor_test, rest_for_one_restarts_those_started_later_as_well) {
  const auto own = start(policy::restart_rule::rest_for_one);
  tell("b", crash_atom::value);
  EXPECT_EQ(noted(3), (std::vector<std::string>{"-c", "+b", "+c"}));
  EXPECT_TRUE(own.shut_down(seconds{10}));
}

TEST_F(supervisor_test, one_for_all_restarts_all) {
  const auto own = start(policy::restart_rule::one_for_all);
  tell("a", crash_atom::value);
  auto seen = noted(5);
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(std::vector<std::string>(seen.begin() + 2, seen.end()),
            (std::vector<std::string>{"+a", "+b", "+c"}));
  std::uint32_t restarts = 0;
  for (const auto& c : own.children()) restarts += c.restarts;
  EXPECT_EQ(restarts, 3u);
  EXPECT_TRUE(own.shut_down(seconds{10}));
}

TEST_F(supervisor_test, past_its_intensity_it_gives_up_and_ends_with_an_error) {
  const auto own = start(policy::restart_rule::one_for_one);
  std::promise<void> ended;
  own.actor()->attach_functor([&](const caf::error&) { ended.set_value(); });
  for (int i = 0; i < 3; ++i) {
    tell("a", crash_atom::value);
    ASSERT_EQ(noted(1), (std::vector<std::string>{"+a"}));
  }
  tell("a", crash_atom::value);
  EXPECT_EQ(ended.get_future().wait_for(seconds{10}), std::future_status::ready);
  EXPECT_TRUE(own.children().empty());
}

TEST_F(supervisor_test, does_not_wait_for_a_child_that_does_not_end) {
  const auto own = start(policy::restart_rule::one_for_one, milliseconds{50});
  tell("b", stick_atom::value);
  EXPECT_TRUE(own.shut_down(seconds{10}));
  EXPECT_EQ(noted(2), (std::vector<std::string>{"-c", "-a"}));
}

TEST_F(supervisor_test, its_end_has_a_deadline) {
  const auto own = start(policy::restart_rule::one_for_one, seconds{60});
  tell("c", stick_atom::value);
  EXPECT_FALSE(own.shut_down(milliseconds{50})) << "c held up those before it";
  EXPECT_TRUE(own.children().empty());
}

TEST_F(supervisor_test, a_group_restarts_in_order_also_where_a_start_fails) {
  std::atomic<int> failures{0};
  supervisor_settings settings;
  settings.restarts = {.rule = policy::restart_rule::rest_for_one,
                       .backoff_first = milliseconds{1}};
  const auto own = supervisor::start(rt.system(), settings);
  for (const auto* name : {"a", "b", "c"}) {
    auto spec = child(name);
    spec.start = [name = std::string(name), begin = spec.start, &failures] {
      if (name == "b" && failures > 0 && failures-- > 0) throw std::runtime_error("not yet");
      return begin();
    };
    own.start_child(std::move(spec));
  }
  EXPECT_EQ(noted(3), (std::vector<std::string>{"+a", "+b", "+c"}));
  EXPECT_EQ(own.children().size(), 3u);
  failures = 3;
  tell("b", crash_atom::value);
  EXPECT_EQ(noted(3), (std::vector<std::string>{"-c", "+b", "+c"}));
  const auto d = own.start_child(child("d"));
  EXPECT_EQ(noted(1), (std::vector<std::string>{"+d"}));
  EXPECT_EQ(own.children().size(), 4u);
  tell("c", crash_atom::value);
  EXPECT_EQ(noted(3), (std::vector<std::string>{"-d", "+c", "+d"}))
      << "started later: goes as well";
  EXPECT_TRUE(own.shut_down(seconds{10}));
}

TEST_F(supervisor_test, a_tree_shows_supervisors_below_supervisors) {
  const auto inner = start(policy::restart_rule::one_for_one);
  const auto outer = supervisor::start(rt.system(), {.name = "outer"});
  outer.start_child({.kind = "supervisor",
                     .name = "inner",
                     .start = [&] { return inner.actor(); },
                     .supervises = true});
  const auto tree = outer.children();
  ASSERT_EQ(tree.size(), 1u);
  ASSERT_EQ(tree[0].children.size(), 3u);
  EXPECT_EQ(tree[0].children[2].name, "c");
  EXPECT_FALSE(tree[0].children[2].mailbox) << "no thread of its own to be asked on";
  EXPECT_TRUE(outer.shut_down(seconds{10}));
}

// A pinned actor that counts.
caf::behavior count_messages(pinned_actor*) {
  auto count = std::make_shared<int>(0);
  return {[count](count_atom) { ++*count; }, [count](tree_atom) { return *count; }};
}

TEST_F(supervisor_test, mailboxes_are_measured_without_harm) {
  const auto own = supervisor::start(rt.system(), {});
  const auto counter = own.start_child({.kind = "counter", .name = "n", .start = [this] {
                                          return spawn_on(rt.reactor_at(0), count_messages);
                                        }});
  for (int i = 0; i < 3; ++i) {  // of an idle actor, which must go on to answer
    ASSERT_LE(own.children().at(0).mailbox, static_cast<std::size_t>(i)) << "sent so far";
    caf::anon_send(counter, count_atom::value);
  }
  int sent = 3;
  std::optional<std::size_t> waiting = 0;
  for (int tries = 0; tries < 50 && waiting == 0u; ++tries) {  // until it is asked in time
    std::latch hold(1);
    rt.reactor_at(0).post([&] { hold.wait(); });
    for (int i = 0; i < 50'000; ++i) caf::anon_send(counter, count_atom::value);
    sent += 50'000;
    auto asked = std::async(std::launch::async, [&] { return own.children().at(0).mailbox; });
    std::this_thread::sleep_for(milliseconds{20});
    hold.count_down();
    waiting = asked.get();
  }
  EXPECT_GT(waiting, 0u);
  caf::scoped_actor self{rt.system()};
  int counted = 0;
  self->request(counter, seconds{20}, tree_atom::value)
      .receive([&](int n) { counted = n; }, [](caf::error&) {});
  EXPECT_EQ(counted, sent);
  EXPECT_TRUE(own.shut_down(seconds{10}));
}

class supervision_tree_test : public testing::provider_fixture {};

TEST_F(supervision_tree_test, shows_what_a_runtime_is_made_of) {
  behave(R"({"fault_hang": 1})");
  const auto own = executor::open(rt, config());
  ASSERT_TRUE(own);
  workflow flow;
  agent_spec spec;
  spec.prompt = "wait";
  ASSERT_TRUE(flow.add_node(*node::agent("only", spec)));
  std::promise<void> done;
  const auto run = own->run(flow, {}, [&](const run_result&) { done.set_value(); });
  ASSERT_TRUE(run);
  while (requests() == 0) std::this_thread::sleep_for(milliseconds{1});
  const auto tree = supervision_tree(rt);
  EXPECT_EQ(tree.kind, "root executor");
  std::map<std::string, const supervised*> kinds;
  for (const auto& child : tree.children) kinds[child.kind] = &child;
  for (const auto* kind : {"circuit breaker", "limiter", "provider client", "executor"}) {
    ASSERT_TRUE(kinds.contains(kind)) << kind;
    EXPECT_EQ(kinds[kind]->state, policy::child_state::running);
    EXPECT_EQ(kinds[kind]->restarts, 0u);
    EXPECT_TRUE(kinds[kind]->mailbox) << kind;
  }
  ASSERT_EQ(kinds["executor"]->children.size(), 1u);
  EXPECT_EQ(kinds["executor"]->children[0].kind, "run");
  EXPECT_EQ(kinds["executor"]->children[0].name, *run);
  const auto& nodes = kinds["executor"]->children[0].children;
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].kind, "node");
  EXPECT_EQ(nodes[0].name, "only");
  const auto json = to_json(tree);
  EXPECT_EQ(json.string_or("kind"), "root executor");
  EXPECT_EQ(json.find("children")->as_array().size(), tree.children.size());
  own->cancel(*run);
  EXPECT_EQ(done.get_future().wait_for(seconds{10}), std::future_status::ready);
}

}  // namespace
}  // namespace graphbit
