#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <graphbit/actors/completions.hpp>
#include <graphbit/net/simulator.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit::testing {

/// A service's runtime and a simulated provider.
class service_fixture : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(provider.start()); }
  void TearDown() override { rt.shutdown(); }

  [[nodiscard]] provider_config config() const {
    provider_config c;
    c.provider = "openai_compatible";
    c.base_url = provider.url() + "/v1";
    c.model = "test-model";
    return c;
  }
  [[nodiscard]] provider_client open() { return open(config()); }
  [[nodiscard]] provider_client open(provider_config c) {
    return provider_client::open(rt, std::move(c)).value();
  }
  void behave(std::string_view json) { ASSERT_TRUE(provider.configure(json)); }
  [[nodiscard]] static workflow one_step(std::string prompt = "hi") {
    workflow flow("one step");
    EXPECT_TRUE(flow.add_node(node::agent("only", {.prompt = std::move(prompt)}).value()));
    return flow;
  }
  /// A workflow of one node that a function of the service's does.
  [[nodiscard]] static workflow one_function(callable function) {
    workflow flow("one function");
    EXPECT_TRUE(flow.add_node(node::transform("only", {.function = std::move(function)}).value()));
    return flow;
  }

  sim::simulator provider;
  runtime rt{{.worker_threads = 2, .reactors = 2}};
};

}  // namespace graphbit::testing
