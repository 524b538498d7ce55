// How a durable run is forked: a new run takes over what is recorded of another, but for one node
// and all that follows it.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <graphbit/runtime/random.hpp>

#include "src/durable_runs.hpp"
#include "src/recorded_run.hpp"
#include "src/rerun_set.hpp"

namespace graphbit {

namespace {

/// What a fork takes over; messages to the other run are not for it.
bool is_copied(journal_kind kind) noexcept {
  constexpr std::array kinds{journal_kind::node_ended, journal_kind::call_answered,
                             journal_kind::tool_answered, journal_kind::forgotten,
                             journal_kind::node_skipped};
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// Of "sub/inner#call:1": "sub". A name that comes twice keeps its number: "name#2".
std::string outermost_node(const std::string& key) {
  const auto end = std::min({key.find('/'), key.find("#call:"), key.find("#tool:")});
  return key.substr(0, end);
}

/// Keys of a node and of all that follows it; none for an empty name.
expected<std::set<std::string>> keys_from(const std::shared_ptr<const workflow>& flow,
                                          const std::string& name) {
  const auto plan = run_plan::make(flow);
  if (!plan) return fail(plan.error());
  rerun_set again(**plan, "");
  if (!name.empty()) {
    const auto from = (*plan)->find(name);
    if (from == workflow::npos)
      return fail(validation_error("from_node", "the workflow has no such node", name));
    again.add_with_followers(static_cast<std::uint32_t>(from));
  }
  std::set<std::string> keys;
  for (const auto index : again.nodes()) keys.insert(again.key(index));
  return keys;
}

}  // namespace

void durable_runs::begin_fork(const request_ptr& request) {
  auto made = forked(*request);
  if (!made) return refuse(request, made.error());
  request->wish = durable_wish::resume;
  request->flow = std::move(made->flow);
  request->options.run_id = made->claimed.run.run_id;
  request->options.inputs = {};
  begin_claimed(request, made->claimed);
}

/// The new run as it is in the store, with the records that it takes over.
expected<durable_runs::forked_run> durable_runs::forked(const durable_request& request) {
  const std::string& source_id = request.options.run_id;
  const auto source = store_->find(source_id);
  if (!source) return fail(source.error());
  if (!*source) return fail(validation_error("run_id", "no run has this id", source_id));
  auto records = all_records(*store_, source_id);
  if (!records) return fail(records.error());
  auto flow = request.flow ? expected<std::shared_ptr<const workflow>>(request.flow)
                           : stored_flow({.run = **source, .records = {}}, run_replay(*records));
  if (!flow) return fail(flow.error());
  const auto again = keys_from(*flow, request.fork.from_node);
  if (!again) return fail(again.error());
  auto begun = begin_forked(request, **source, *flow);
  if (!begun) return fail(begun.error());

  std::erase_if(*records, [&](const journal_record& record) {
    return !is_copied(record.kind) || again->contains(outermost_node(record.key));
  });
  if (!records->empty()) {
    std::array copy{run_append{begun->run.run_id, begun->token, std::move(*records), {}}};
    const auto written = store_->append(copy);
    if (!written) return fail(written.error());
    begun->records = std::move(copy.front().records);
  }
  return forked_run{std::move(*flow), std::move(*begun)};
}

expected<claimed_run> durable_runs::begin_forked(const durable_request& request,
                                                 const stored_run& source,
                                                 const std::shared_ptr<const workflow>& flow) {
  run_to_begin fork;
  fork.run_id = request.fork.run_id.empty() ? make_uuid() : request.fork.run_id;
  fork.workflow_name = flow->name();
  fork.graph_hash = learn(flow).hash;
  fork.workflow_json = learn(flow).json;
  fork.inputs_json = request.fork.inputs ? to_json(*request.fork.inputs) : source.inputs_json;
  fork.about_json = source.about_json;
  fork.forked_from = source.run_id;
  const auto taken = store_->find(fork.run_id);
  if (!taken) return fail(taken.error());
  if (*taken)
    return fail(validation_error("new_run_id", "there is a run of this id already", fork.run_id));
  claimed_at_ = steady_clock::now();
  return store_->begin(fork, lease_);
}

}  // namespace graphbit
