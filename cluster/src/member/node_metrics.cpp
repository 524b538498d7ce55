#include "node_metrics.hpp"

#include <string_view>
#include <utility>

#include <graphbit/runtime/metrics.hpp>

namespace graphbit::cluster {

namespace {

struct series {
  const char* field;  // of the status
  const char* name;
  const char* help;
};
constexpr series levels[] = {
    {"slots", "graphbit_node_slots", "Pieces of work that this node takes at once."},
    {"in_flight", "graphbit_node_in_flight", "Pieces of work under way for owners."},
    {"queued", "graphbit_node_queued", "Pieces of work that wait for a slot."},
    {"owners", "graphbit_node_owners", "Owners that are connected."},
    {"uptime_s", "graphbit_node_uptime_seconds", "Since this node started."},
    {"certificate_expires_in_s", "graphbit_node_certificate_expires_in_seconds",
     "Until the node's certificate ends; negative once it has."},
};

void collect(metrics_page& page, const json_value& status) {
  for (const auto& s : levels)
    if (const auto* value = status.find(s.field))
      page.gauge(s.name, s.help, {}, value->as_double());
  if (const auto* done = status.find("done"))
    page.counter("graphbit_node_done_total", "Pieces of work that this node has answered.", {},
                 done->as_double());
  if (const auto* members = status.find("members"))
    page.gauge("graphbit_node_members", "Members that this node knows, itself among them.", {},
               static_cast<double>(members->as_array().size()));
  if (const auto* state = status.find("state"))
    page.gauge("graphbit_node_draining", "1 while this node drains.", {},
               state->as_string() == "up" ? 0 : 1);
}

}  // namespace

std::shared_ptr<void> collect_node_metrics(runtime& rt, std::function<json_value()> status) {
  return rt.service<metrics_registry>()->collect_with(
      [status = std::move(status)](metrics_page& page) { collect(page, status()); });
}

}  // namespace graphbit::cluster
