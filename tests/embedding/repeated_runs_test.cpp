// One workflow run many times at once is validated once; a changed copy is another workflow.
#include <future>

#include "service_fixture.hpp"

namespace graphbit {
namespace {

using repeated_runs = testing::service_fixture;

callable says(std::string what) {
  return {.name = what,
          .call = [what](const json_value&) -> expected<json_value> { return json_value(what); },
          .blocking = false};
}

TEST_F(repeated_runs, see_what_their_workflow_was_when_they_began) {
  std::promise<void> opened;
  const auto gate = opened.get_future().share();
  const callable waits{.name = "waits", .call = [gate](const json_value&) -> expected<json_value> {
                         gate.wait();
                         return json_value("first");
                       }};
  workflow flow = one_function(waits);
  const auto flows = executor::open(rt, config()).value();
  auto early = run_future(flows, flow);  // at work while the others begin
  auto equal = run_future(flows, flow);
  ASSERT_TRUE(flow.add_node(node::transform("more", {.function = says("second")}).value()));
  auto changed = run_future(flows, flow);
  workflow looped = flow;
  ASSERT_TRUE(looped.connect("only", "more"));
  ASSERT_TRUE(looped.connect("more", "only"));
  EXPECT_FALSE(run_future(flows, looped).get());
  opened.set_value();

  EXPECT_EQ(early.get().value().record().nodes.size(), 1u);
  EXPECT_EQ(equal.get().value().output_of("only").value_or(""), "first");
  const auto last = changed.get().value();
  EXPECT_EQ(last.output_of("only").value_or(""), "first");
  EXPECT_EQ(last.output_of("more").value_or(""), "second");
}

}  // namespace
}  // namespace graphbit
