#include "breaker_actor.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/random.hpp>

namespace graphbit {

namespace {

class breaker_shell {
 public:
  breaker_shell(breaker_actor* self, std::string label) : self_(self), label_(std::move(label)) {}

  void join(const caf::actor& shard) {
    shards_.push_back(shard);
    self_->monitor(shard);
    self_->send(shard, breaker_changed{published_});
  }

  // A shard that died takes its unfinished attempts with it: nobody will report their end.
  void left(const caf::actor_addr& shard) {
    std::erase_if(shards_, [&](const caf::actor& s) { return s.address() == shard; });
    const auto found = attempts_.find(shard);
    if (found == attempts_.end()) return;
    const auto now = steady_clock::now();
    for (const auto& [sequence, id] : found->second)
      policy_.finished(id, policy::attempt_outcome::ignored, now, random_);
    attempts_.erase(found);
    publish(now);
  }

  void reported(const caf::actor_addr& shard, const breaker_report& report) {
    auto& attempts = attempts_[shard];
    for (const auto& event : report.events) {
      if (event.start) {
        attempts[event.sequence] = policy_.started(event.at, event.probe);
        continue;
      }
      const auto found = attempts.find(event.sequence);
      if (found == attempts.end()) continue;  // started under an earlier incarnation
      policy_.finished(found->second, event.outcome, event.at, random_);
      attempts.erase(found);
    }
    publish(steady_clock::now());
  }

  void probe_asked(const caf::actor& shard, std::uint64_t call) {
    const auto now = steady_clock::now();
    self_->send(shard, probe_answer{call, policy_.admit(now)});
    publish(now);
  }

  void probe_unused() { policy_.release_probe(); }

 private:
  void publish(time_point now) {
    const auto current = policy_.snapshot(now);
    const bool turned =
        current.state != published_.state || current.open_until != published_.open_until;
    published_ = current;
    if (!turned) return;
    if (log_enabled(log_level::info)) log(log_level::info, "actors", text(now));
    for (const auto& shard : shards_) self_->send(shard, breaker_changed{published_});
  }

  [[nodiscard]] std::string text(time_point now) const {
    switch (published_.state) {
      case breaker_state::closed:
        return "circuit breaker of " + label_ + " is closed";
      case breaker_state::half_open:
        return "circuit breaker of " + label_ + " is half-open: one probe goes out";
      case breaker_state::open:
        break;
    }
    return "circuit breaker of " + label_ + " is open for " +
           std::to_string(remaining(published_.open_until, now).count()) + " ms after " +
           std::to_string(published_.failures) + " failures";
  }

  breaker_actor* self_;
  std::string label_;
  policy::breaker policy_;
  random_source random_ = random_source::from_system();
  policy::breaker_snapshot published_;
  std::vector<caf::actor> shards_;
  std::map<caf::actor_addr, std::unordered_map<std::uint64_t, policy::attempt_id>> attempts_;
};

}  // namespace

caf::behavior circuit_breaker(breaker_actor* self, const std::string& label) {
  auto shell = std::make_shared<breaker_shell>(self, label);
  self->set_down_handler([shell](caf::down_msg& down) { shell->left(down.source); });
  return {
      [shell](join_atom, const caf::actor& shard) { shell->join(shard); },
      [shell, self](const breaker_report_ptr& report) {
        shell->reported(caf::actor_cast<caf::actor_addr>(self->current_sender()), *report);
      },
      [shell, self](probe_atom, std::uint64_t call) {
        shell->probe_asked(caf::actor_cast<caf::actor>(self->current_sender()), call);
      },
      [shell](unprobe_atom) { shell->probe_unused(); },
  };
}

}  // namespace graphbit
