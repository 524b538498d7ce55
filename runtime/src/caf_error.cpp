#include <graphbit/runtime/caf_error.hpp>

#include <graphbit/runtime/message_types.hpp>

#include "src/system_end.hpp"

namespace graphbit {

namespace {

const auto category = caf::atom("graphbit");

std::string render(std::uint8_t, caf::atom_value, const caf::message& context) {
  if (context.match_elements<error>()) return describe(context.get_as<error>(0));
  return "an error of graphbit";
}

}  // namespace

caf::error to_caf(const error& e) {
  return caf::error{static_cast<std::uint8_t>(e.kind), category, caf::make_message(e)};
}

error from_caf(const caf::error& e) {
  if (e.category() == category && e.context().match_elements<error>())
    return e.context().get_as<error>(0);
  if (e == caf::sec::request_timeout)
    return timeout_error("request", std::chrono::milliseconds{0},
                         "the actor did not answer in time");
  return runtime_error("request", "the actor answered with an error: " + caf::to_string(e));
}

void add_message_types(caf::actor_system_config& config) {
  config.add_message_type<error>("graphbit.error");
  config.add_error_category(category, render);
  config.load<system_end>();
}

bool has_message_types(const caf::actor_system& system) {
  return system.types().make_value("graphbit.error") != nullptr && system.has_network_manager();
}

}  // namespace graphbit
