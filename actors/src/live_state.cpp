#include <graphbit/actors/live_state.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include <graphbit/actors/supervision_tree.hpp>

#include "src/graph_layout.hpp"
#include "src/provider_picture.hpp"
#include "src/root_executor.hpp"

namespace graphbit {

namespace {

using wall_time = std::chrono::system_clock::time_point;

json_value unix_ms(wall_time at) {
  if (at == wall_time{}) return {};
  return std::int64_t{std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count()};
}

struct followed_node {
  node_status status = node_status::pending;
  wall_time started{}, ended{};
  std::string why;  // failed or skipped
};

struct followed_run {
  std::string run_id;
  std::shared_ptr<const workflow> flow;
  std::vector<graph_place> places;
  std::string state = "queued";
  wall_time started{}, ended{};
  std::vector<followed_node> nodes;
  std::optional<run_result> result;
};

json_value node_json(const followed_run& run, std::size_t i) {
  const node& step = *run.flow->nodes()[i];
  const followed_node& seen = run.nodes[i];
  json_value out;
  out.set("name", step.name);
  out.set("kind", to_string(step.kind()));
  out.set("state", to_string(seen.status));
  out.set("column", std::int64_t{run.places[i].column});
  out.set("row", std::int64_t{run.places[i].row});
  out.set("started_ms", unix_ms(seen.started));
  out.set("ended_ms", unix_ms(seen.ended));
  if (!seen.why.empty()) out.set("why", seen.why);
  return out;
}

json_value run_json(const followed_run& run) {
  json_value out;
  out.set("id", run.run_id);
  out.set("workflow", run.flow->name());
  out.set("state", run.state);
  out.set("started_ms", unix_ms(run.started));
  out.set("ended_ms", unix_ms(run.ended));
  out.set("node_count", std::uint64_t{run.nodes.size()});
  json_value::array nodes, edges;
  for (std::size_t i = 0; i < std::min(run.nodes.size(), live_state::nodes_shown_max); ++i)
    nodes.push_back(node_json(run, i));
  for (const auto& [from, to] : run.flow->edges())
    if (std::max(from, to) < nodes.size())
      edges.push_back(json_value::array{std::int64_t{from}, std::int64_t{to}});
  out.set("nodes", std::move(nodes));
  out.set("edges", std::move(edges));
  if (!run.result) return out;
  const auto usage = run.result->total_usage();
  out.set("input_tokens", std::uint64_t{usage.prompt_tokens});
  out.set("output_tokens", std::uint64_t{usage.completion_tokens});
  if (const auto& failure = run.result->record().failure)
    out.set("error", to_string(failure->kind));
  return out;
}

// How a failure is shown: its kind, for a provider's words may quote the prompt.
std::string reason_of(const run_event& event) {
  if (!event.failure) return event.text;
  std::string out(to_string(event.failure->kind));
  if (event.failure->status != 0) out += " (HTTP " + std::to_string(event.failure->status) + ")";
  return out;
}

}  // namespace

class live_state::impl {
 public:
  explicit impl(runtime& rt) : rt_(rt) {}

  void add(std::shared_ptr<const workflow> flow, const std::string& run_id) {
    auto run = std::make_shared<followed_run>();
    run->run_id = run_id;
    run->places = graph_layout(*flow);
    run->nodes.resize(flow->nodes().size());
    run->flow = std::move(flow);
    const std::lock_guard guard(mutex_);
    running_[run_id] = std::move(run);
  }

  void happened(const run_event& event) {
    const std::lock_guard guard(mutex_);
    const auto found = running_.find(event.run_id);
    if (found == running_.end()) return;
    followed_run& run = *found->second;
    if (event.kind == run_event_kind::workflow_started) {
      run.state = "running";
      run.started = event.time;
      return;
    }
    const auto index = run.flow->find(event.node_id);
    if (index == workflow::npos) return;
    note(run.nodes[index], event);
  }

  void ended(const run_result& result) {
    const std::lock_guard guard(mutex_);
    const auto found = running_.find(result.record().run_id);
    if (found == running_.end()) return;
    auto run = std::move(found->second);
    running_.erase(found);
    run->state = to_string(result.state());
    std::transform(run->state.begin(), run->state.end(), run->state.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    run->ended = std::chrono::system_clock::now();
    for (std::size_t i = 0; i < run->nodes.size(); ++i)  // cancelled nodes tell nothing
      run->nodes[i].status = result.record().nodes[i].status;
    run->result = result;
    finished_.push_front(std::move(run));
    if (finished_.size() > finished_max) finished_.pop_back();
  }

  [[nodiscard]] json_value runs() const {
    const std::lock_guard guard(mutex_);
    json_value::array all;
    for (const auto& [id, run] : running_)
      if (all.size() < runs_shown_max / 2) all.push_back(run_json(*run));
    for (const auto& run : finished_)
      if (all.size() < runs_shown_max) all.push_back(run_json(*run));
    json_value out;
    out.set("active", std::uint64_t{running_.size()});
    out.set("shown", std::move(all));
    return out;
  }

  [[nodiscard]] std::optional<run_result> result_of(const std::string& run_id) const {
    const std::lock_guard guard(mutex_);
    for (const auto& run : finished_)
      if (run->run_id == run_id) return run->result;
    return std::nullopt;
  }

  std::shared_ptr<void> add_section(std::string name, std::function<json_value()> read) {
    auto handle = std::make_shared<section>(section{std::move(name), std::move(read)});
    const std::lock_guard guard(mutex_);
    sections_.emplace_back(handle);
    return handle;
  }

  [[nodiscard]] json_value snapshot() {
    constexpr milliseconds patience{500};
    const auto root = rt_.service<root_executor>();
    json_value out;
    out.set("time_ms", unix_ms(std::chrono::system_clock::now()));
    out.set("uptime_s", std::int64_t{rt_.stats().uptime.count()});
    out.set("runs", runs());
    out.set("providers", providers_json(root->clients(), patience));
    out.set("tree", to_json(supervised{.kind = "root executor",
                                       .name = rt_.options().thread_name_prefix,
                                       .children = root->tree(patience)}));
    for (const auto& one : sections()) out.set(one->name, one->read());
    return out;
  }

  std::atomic<bool> follows{false};

 private:
  struct section {
    std::string name;
    std::function<json_value()> read;
  };

  static void note(followed_node& node, const run_event& event) {
    switch (event.kind) {
      case run_event_kind::node_started:
        node.status = node_status::running;
        node.started = event.time;
        return;
      case run_event_kind::node_completed:
        node.status = node_status::completed;
        break;
      case run_event_kind::node_failed:
        node.status = node_status::failed;
        node.why = reason_of(event);
        break;
      case run_event_kind::node_skipped:
        node.status = node_status::skipped;
        node.why = event.text;
        return;
      default:
        return;
    }
    node.ended = event.time;
  }

  [[nodiscard]] std::vector<std::shared_ptr<section>> sections() {
    const std::lock_guard guard(mutex_);
    std::vector<std::shared_ptr<section>> living;
    std::erase_if(sections_, [&](const auto& known) {
      auto one = known.lock();
      if (one) living.push_back(std::move(one));
      return known.expired();
    });
    return living;
  }

  runtime& rt_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<followed_run>> running_;  // guarded by mutex_
  std::deque<std::shared_ptr<followed_run>> finished_;            // guarded by mutex_
  std::vector<std::weak_ptr<section>> sections_;                  // guarded by mutex_
};

live_state::live_state(runtime& rt) : impl_(std::make_shared<impl>(rt)) {
  static_cast<void>(rt.service<root_executor>());  // ends after this
}
live_state::~live_state() = default;

void live_state::follow_runs() noexcept { impl_->follows = true; }
bool live_state::follows_runs() const noexcept {
  return impl_->follows.load(std::memory_order_relaxed);
}

void live_state::follow(std::shared_ptr<const workflow> flow, const std::string& run_id,
                        run_listener& listener, executor::done_callback& done) {
  impl_->add(std::move(flow), run_id);
  listener = [live = impl_, tell = std::move(listener)](const run_event& event) {
    live->happened(event);
    if (tell) tell(event);
  };
  done = [live = impl_, tell = std::move(done)](const run_result& result) {
    live->ended(result);
    tell(result);
  };
}

std::shared_ptr<void> live_state::add_section(std::string name, std::function<json_value()> read) {
  return impl_->add_section(std::move(name), std::move(read));
}

json_value live_state::snapshot() { return impl_->snapshot(); }

std::optional<run_result> live_state::result_of(const std::string& run_id) const {
  return impl_->result_of(run_id);
}

}  // namespace graphbit
