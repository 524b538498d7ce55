#include <graphbit/actors/actor_interfaces.hpp>

#include <stdexcept>

#include "service_fixture.hpp"

namespace graphbit {
namespace {

// A service that has an actor system of its own.
class actor_service : public ::testing::Test {
 protected:
  struct system_config : caf::actor_system_config {
    system_config() {
      set("scheduler.max-threads", 2);
      graphbit::add_message_types(*this);
    }
  };

  void SetUp() override {
    ASSERT_TRUE(provider.start());
    settings.provider = "openai_compatible";
    settings.base_url = provider.url() + "/v1";
    settings.model = "test-model";
  }
  void TearDown() override { caf::logger::set_current_actor_system(nullptr); }
  static workflow one_step() {
    workflow flow("one step");
    EXPECT_TRUE(flow.add_node(node::agent("only", {.prompt = "hi"}).value()));
    return flow;
  }
  // Asks, and gives the answer or the error.
  template <class T, class Handle, class... Ts>
  expected<T> request(const Handle& to, Ts... message) {
    const spawn_scope scope;
    caf::scoped_actor self{system};
    expected<T> result = fail(runtime_error("test", "no answer came"));
    self->request(to, std::chrono::seconds(30), std::move(message)...)
        .receive([&](T& answer) { result = std::move(answer); },
                 [&](caf::error& e) { result = fail(from_caf(e)); });
    return result;
  }

  sim::simulator provider;
  provider_config settings;
  system_config config;
  caf::actor_system system{config};
  runtime rt{system, {.reactors = 1}};
};

TEST_F(actor_service, a_system_without_our_types_is_refused_with_a_sentence) {
  caf::actor_system_config bare;
  caf::actor_system other{bare};
  try {
    runtime refused{other, {}};
    FAIL() << "it was taken";
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string(e.what()).find("add_message_types"), std::string::npos);
  }
}

TEST_F(actor_service, gets_completions_and_embeddings_by_request) {
  const auto client = spawn_provider_client(system, provider_client::open(rt, settings).value());
  const auto answer = request<chat_response>(client, completion_order{ask("hi")});
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_FALSE(answer->content.empty());
  const auto vectors = request<embedding_response>(client, embedding_order{{.inputs = {"a"}}});
  ASSERT_TRUE(vectors) << describe(vectors.error());
  EXPECT_EQ(vectors->vectors.size(), 1u);
  EXPECT_EQ(request<provider_client_stats>(client, stats_atom::value).value().succeeded, 2u);
}

TEST_F(actor_service, gets_errors_with_all_their_fields) {
  ASSERT_TRUE(provider.configure(R"({"required_key": "sk-right-key"})"));
  const auto client = spawn_provider_client(system, provider_client::open(rt, settings).value());
  const auto answer = request<chat_response>(client, completion_order{ask("hi")});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::authentication);
  EXPECT_EQ(answer.error().provider, "openai_compatible");
  EXPECT_EQ(answer.error().status, 401);
}

TEST_F(actor_service, errors_come_through_as_they_were_sent) {
  error e = rate_limit_error("later", milliseconds{1500});
  e.provider = "openai";
  e.status = 429;
  e.attempts = 3;
  e.duration = milliseconds{7};
  EXPECT_EQ(from_caf(to_caf(e)), e);
  EXPECT_NE(system.render(to_caf(e)).find("later"), std::string::npos);

  caf::binary_serializer::container_type bytes;
  caf::binary_serializer out{system, bytes};
  ASSERT_FALSE(out(e));
  error back;
  caf::binary_deserializer in{system, bytes};
  ASSERT_FALSE(in(back));
  EXPECT_EQ(back, e);
  EXPECT_EQ(from_caf(caf::make_error(caf::sec::request_timeout)).kind, error_kind::timeout);
  EXPECT_EQ(from_caf(caf::make_error(caf::sec::runtime_error)).kind, error_kind::runtime);
}

TEST_F(actor_service, an_actor_that_ends_cancels_and_answers_what_it_owes) {
  ASSERT_TRUE(provider.configure(R"({"latency_ms": 60000})"));
  const auto handle = provider_client::open(rt, settings).value();
  const auto client = spawn_provider_client(system, handle);
  const spawn_scope scope;
  caf::scoped_actor self{system};
  auto pending = self->request(client, std::chrono::seconds(30), completion_order{ask("hi")});
  while (handle.counters().in_flight == 0) std::this_thread::yield();
  caf::anon_send_exit(client, caf::exit_reason::kill);
  bool failed = false;
  pending.receive([](chat_response&) {}, [&](caf::error&) { failed = true; });
  EXPECT_TRUE(failed);
  const auto until = steady_clock::now() + seconds{30};
  while (handle.counters().cancelled == 0 && steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(handle.counters().cancelled, 1u);
}

TEST_F(actor_service, runs_workflows_by_request) {
  const auto flows = spawn_executor(system, executor::open(rt, settings).value());
  const auto result = request<run_result>(flows, run_order{one_step()});
  ASSERT_TRUE(result) << describe(result.error());
  EXPECT_TRUE(result->is_success());
  EXPECT_FALSE(request<run_result>(flows, run_order{workflow("empty")}));
  EXPECT_EQ(request<executor_stats>(flows, stats_atom::value).value().succeeded, 1u);
}

TEST_F(actor_service, one_run_is_an_actor_that_can_be_asked_and_stopped) {
  const auto flows = executor::open(rt, settings).value();
  const auto run = spawn_run(system, flows, one_step());
  EXPECT_TRUE(request<run_result>(run, result_atom::value).value().is_success());
  EXPECT_TRUE(request<run_result>(run, result_atom::value).value().is_success());

  ASSERT_TRUE(provider.configure(R"({"latency_ms": 60000})"));
  const auto slow = spawn_run(system, flows, one_step());
  caf::anon_send(slow, stop_run_atom::value);
  EXPECT_EQ(request<run_result>(slow, result_atom::value).value().state(), run_state::cancelled);
  caf::anon_send_exit(run, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(slow, caf::exit_reason::user_shutdown);
}

TEST_F(actor_service, sees_breaker_and_limiter_and_sets_limits) {
  const auto handle = provider_client::open(rt, settings).value();
  const auto breaker = spawn_breaker_view(system, handle);
  EXPECT_EQ(request<breaker_view>(breaker, stats_atom::value).value().state, breaker_state::closed);
  const auto limiter = spawn_limiter_view(system, handle);
  caf::anon_send(limiter, limits_order{.max_in_flight = 7});
  const auto until = steady_clock::now() + seconds{30};
  limiter_view seen;
  while (seen.in_flight_max != 7 && steady_clock::now() < until) {
    ASSERT_TRUE(handle.complete(ask("hi")));
    seen = request<limiter_view>(limiter, stats_atom::value).value();
  }
  EXPECT_EQ(seen.in_flight_max, 7u);
}

caf::behavior shouter(caf::event_based_actor*) {
  return {[](const json_value& arguments) -> caf::result<json_value> {
    if (arguments.find("input") == nullptr) return to_caf(validation_error("input", "no input"));
    return json_value("shouted");
  }};
}

TEST_F(actor_service, a_node_is_an_actor_of_the_service) {
  const auto flows = executor::open(rt, settings).value();
  const auto worker = system.spawn(shouter);
  workflow flow("one actor");
  ASSERT_TRUE(flow.add_node(
      node::transform("only", {.function = actor_callable("shout", worker)}).value()));
  const auto result = flows.execute(flow).value();
  EXPECT_EQ(result.output_of("only").value_or(result.state_text()), "shouted");

  caf::anon_send_exit(worker, caf::exit_reason::kill);
  EXPECT_FALSE(flows.execute(flow).value().is_success());
}

TEST_F(actor_service, supervises_the_executor_among_its_own_actors) {
  std::atomic<int> started{0};
  auto tree = supervisor::start(system, {.name = "service"});
  auto first = tree.start_child({.kind = "executor",
                                 .name = "flows",
                                 .lifetime = policy::child_lifetime::permanent,
                                 .start = [&] {
                                   auto handle =
                                       spawn_executor(system, executor::open(rt, settings).value());
                                   ++started;
                                   return caf::actor_cast<caf::actor>(handle);
                                 }});
  caf::anon_send_exit(first, caf::exit_reason::kill);
  const auto until = steady_clock::now() + seconds{30};
  while (started < 2 && steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(started, 2);
  EXPECT_TRUE(tree.shut_down(seconds{10}));
}

}  // namespace
}  // namespace graphbit
