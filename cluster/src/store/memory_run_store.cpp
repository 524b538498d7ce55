#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include <graphbit/cluster/open_run_store.hpp>

#include "store_errors.hpp"
#include "store_rules.hpp"

namespace graphbit {

namespace {

using namespace store_rules;

struct kept_run {
  stored_run run;
  std::vector<journal_record> records;
  std::uint64_t message_id = 0;  // of the last message
  std::uint64_t told_id = 0;     // messages up to here were given to the holder of the lease

  [[nodiscard]] bool has_news() const { return message_id > told_id; }
  void add(journal_record record) {
    record.id = ++run.last_id;
    records.push_back(std::move(record));
  }
};

[[nodiscard]] bool is_message(journal_kind kind) {
  return kind == journal_kind::signal || kind == journal_kind::cancel_request;
}

// What a list shows: without the two long texts.
[[nodiscard]] stored_run brief(stored_run run) {
  run.workflow_json.clear();
  run.inputs_json.clear();
  return run;
}

/// Durable runs that are not durable: for tests, and for runs that need only park and wait.
class memory_run_store final : public run_store {
 public:
  explicit memory_run_store(std::function<wall_time()> now) : now_(std::move(now)) {}

  std::string name() const override { return ":memory:"; }

  expected<std::vector<expected<claimed_run>>> begin_all(std::span<const run_to_begin> runs,
                                                         const run_lease& lease) override {
    const std::lock_guard guard(mutex_);
    std::vector<expected<claimed_run>> all;
    for (const auto& run : runs) all.push_back(begin_one(run, lease));
    return all;
  }

  expected<std::optional<claimed_run>> claim(const std::string& run_id, const run_lease& lease,
                                             claim_rule rule, const std::string& gone) override {
    const std::lock_guard guard(mutex_);
    const auto found = runs_.find(run_id);
    if (found == runs_.end()) return fail(no_such_run(run_id, name()));
    return take(found->second, lease, rule, gone);
  }

  expected<std::vector<append_result>> append(std::span<const run_append> groups) override {
    std::vector<append_result> results;
    {
      const std::lock_guard guard(mutex_);
      for (const auto& group : groups) {
        const auto found = runs_.find(group.run_id);
        if (found == runs_.end() || found->second.run.token != group.token) {
          results.push_back({.fenced = true});
          continue;
        }
        auto& kept = found->second;
        for (const auto& record : group.records) kept.add(record);
        if (group.change) change(kept, *group.change);
        kept.run.changed_at = now_();
        results.push_back({false, kept.run.last_id});
      }
    }
    changed_.notify_all();
    return results;
  }

  expected<renewal> renew(const run_lease& lease, std::span<const held_run> held) override {
    const std::lock_guard guard(mutex_);
    renewal result;
    for (const auto& each : held) {
      const auto found = runs_.find(each.run_id);
      if (found == runs_.end() || found->second.run.token != each.token) {
        result.lost.push_back(each.run_id);
        continue;
      }
      auto& kept = found->second;
      if (kept.run.lease_until == released) continue;  // its owner has just let it go
      kept.run.lease_until = now_() + lease.length;
      for (const auto& record : kept.records)
        if (record.id > kept.told_id && record.id <= kept.message_id && is_message(record.kind))
          result.messages.push_back({each.run_id, record});
      kept.told_id = std::max(kept.told_id, kept.message_id);
    }
    return result;
  }

  expected<std::vector<stored_run>> due(const std::string& after, std::size_t limit) override {
    const std::lock_guard guard(mutex_);
    std::vector<stored_run> found;
    for (auto at = runs_.upper_bound(after); at != runs_.end() && found.size() < limit; ++at)
      if (is_due(at->second.run, now_())) found.push_back(brief(at->second.run));
    return found;
  }

  expected<void> send_signal(const std::string& run_id, const std::string& signal,
                             const std::string& value_json) override {
    {
      const std::lock_guard guard(mutex_);
      const auto found = runs_.find(run_id);
      if (found == runs_.end()) return fail(no_such_run(run_id, name()));
      if (is_ended(found->second.run.state)) return fail(run_has_ended(found->second.run));
      add_message(found->second, journal_kind::signal, signal, value_json);
    }
    changed_.notify_all();
    return {};
  }

  expected<stored_state> request_cancel(const std::string& run_id) override {
    auto state = stored_state::cancelled;
    {
      const std::lock_guard guard(mutex_);
      const auto found = runs_.find(run_id);
      if (found == runs_.end()) return fail(no_such_run(run_id, name()));
      auto& run = found->second.run;
      if (is_ended(run.state)) return run.state;
      add_message(found->second, journal_kind::cancel_request, {}, {});
      if (run.lease_until <= now_()) {
        ++run.token;  // an owner that comes back late is fenced
        change(found->second, {.state = stored_state::cancelled});
      }
      state = run.state;
    }
    changed_.notify_all();
    return state;
  }

  expected<std::vector<stored_run>> list(const run_filter& filter) override {
    const std::lock_guard guard(mutex_);
    std::vector<stored_run> found;
    auto at = order_.rbegin();
    if (!filter.after.empty()) {
      at = std::find(order_.rbegin(), order_.rend(), filter.after);
      if (at != order_.rend()) ++at;
    }
    for (; at != order_.rend() && found.size() < filter.limit; ++at) {
      const auto& run = runs_.at(*at).run;
      if (filter.state && run.state != *filter.state) continue;
      if (!filter.workflow_name.empty() && run.workflow_name != filter.workflow_name) continue;
      found.push_back(brief(run));
    }
    return found;
  }

  expected<std::vector<std::string>> ended_of(std::span<const std::string> run_ids) override {
    const std::lock_guard guard(mutex_);
    std::vector<std::string> ended;
    for (const auto& run_id : run_ids)
      if (const auto found = runs_.find(run_id);
          found != runs_.end() && is_ended(found->second.run.state))
        ended.push_back(run_id);
    return ended;
  }

  expected<std::optional<stored_run>> find(const std::string& run_id) override {
    const std::lock_guard guard(mutex_);
    const auto found = runs_.find(run_id);
    if (found == runs_.end()) return std::nullopt;
    return found->second.run;
  }

  expected<std::vector<journal_record>> records(const std::string& run_id, std::uint64_t after,
                                                std::size_t limit, milliseconds wait) override {
    std::unique_lock guard(mutex_);
    const auto has_more = [&] {
      const auto found = runs_.find(run_id);
      return found == runs_.end() || found->second.run.last_id > after;
    };
    changed_.wait_for(guard, wait, has_more);
    const auto found = runs_.find(run_id);
    if (found == runs_.end()) return fail(no_such_run(run_id, name()));
    const auto& all = found->second.records;
    const auto from = std::min<std::size_t>(after, all.size());
    const auto count = std::min(limit, all.size() - from);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(from);
    return std::vector<journal_record>(first, first + static_cast<std::ptrdiff_t>(count));
  }

  expected<std::uint64_t> prune(const retention& keep, std::size_t limit) override {
    const std::lock_guard guard(mutex_);
    std::vector<std::pair<wall_time, std::string>> ended;
    for (const auto& [id, kept] : runs_)
      if (is_ended(kept.run.state)) ended.emplace_back(*kept.run.ended_at, id);
    std::sort(ended.begin(), ended.end());
    const auto too_many = keep.count && ended.size() > *keep.count ? ended.size() - *keep.count : 0;
    const auto now = now_();
    std::uint64_t gone = 0;
    for (std::size_t i = 0; i < ended.size() && gone < limit; ++i) {
      const bool too_old = keep.age && ended[i].first < now - *keep.age;
      if (!too_old && i >= too_many) break;
      runs_.erase(ended[i].second);
      ++gone;
    }
    std::erase_if(order_, [this](const auto& id) { return !runs_.contains(id); });
    return gone;
  }

  expected<store_size> size() override {
    const std::lock_guard guard(mutex_);
    store_size size;
    for (const auto& [id, kept] : runs_) {
      const auto& run = kept.run;
      ++(is_ended(run.state) ? size.runs_ended : size.runs_open);
      if (run.ended_at && (!size.oldest || *run.ended_at < *size.oldest))
        size.oldest = run.ended_at;
      size.bytes += run.workflow_json.size() + run.inputs_json.size() + run.about_json.size();
      for (const auto& record : kept.records)
        size.bytes += sizeof record + record.key.size() + record.body.size();
    }
    return size;
  }

  expected<std::uint64_t> join(const std::string& member, const std::string& about_json,
                               milliseconds lease) override {
    const std::lock_guard guard(mutex_);
    auto& m = members_[member];
    m = {member, about_json, m.epoch + 1, now_() + lease};
    return m.epoch;
  }

  expected<bool> stay(const std::string& member, std::uint64_t epoch, milliseconds lease) override {
    const std::lock_guard guard(mutex_);
    const auto found = members_.find(member);
    if (found == members_.end() || found->second.epoch != epoch ||
        found->second.alive_until == released)
      return false;
    found->second.alive_until = now_() + lease;
    return true;
  }

  expected<void> leave(const std::string& member, std::uint64_t epoch) override {
    const std::lock_guard guard(mutex_);
    const auto found = members_.find(member);
    if (found != members_.end() && found->second.epoch == epoch)
      found->second.alive_until = released;
    return {};
  }

  expected<std::vector<store_member>> members() override {
    const std::lock_guard guard(mutex_);
    std::vector<store_member> alive;
    for (const auto& [member, m] : members_)
      if (m.alive_until > now_()) alive.push_back(m);
    return alive;
  }

 private:
  [[nodiscard]] expected<claimed_run> begin_one(const run_to_begin& run, const run_lease& lease) {
    if (const auto found = runs_.find(run.run_id); found != runs_.end()) {
      auto taken = take(found->second, lease, claim_rule::open, {});
      if (!taken) return fail(taken.error());
      return std::move(**taken);
    }
    const auto now = now_();
    auto& made = runs_[run.run_id];
    made.run = {.run_id = run.run_id,
                .workflow_name = run.workflow_name,
                .graph_hash = run.graph_hash,
                .about_json = run.about_json,
                .forked_from = run.forked_from,
                .owner = lease.owner,
                .token = 1,
                .lease_until = now + lease.length,
                .created_at = now,
                .changed_at = now,
                .workflow_json = run.workflow_json,
                .inputs_json = run.inputs_json};
    order_.push_back(run.run_id);
    return claimed_run{made.run, made.run.token, true, {}, {}};
  }

  // Nothing: by the rule `due`, it is not due.
  [[nodiscard]] expected<std::optional<claimed_run>> take(kept_run& kept, const run_lease& lease,
                                                          claim_rule rule,
                                                          const std::string& gone) {
    auto& run = kept.run;
    const auto now = now_();
    const auto before = state_of(run);
    switch (answer_claim(run, lease, rule, gone, now)) {
      case claim_answer::not_due:
        return std::nullopt;
      case claim_answer::has_ended:
        return claimed_run{run, 0, false, kept.records, before};
      case claim_answer::is_held:
        return fail(run_is_held(run, now));
      case claim_answer::take:
        break;
    }
    run.owner = lease.owner;
    ++run.token;
    run.lease_until = now + lease.length;
    run.state = stored_state::running;
    run.wake_at.reset();
    run.ended_at.reset();
    run.failure_json.clear();
    run.changed_at = now;
    kept.told_id = run.last_id;
    return claimed_run{run, run.token, false, kept.records, before};
  }

  void change(kept_run& kept, const run_change& to) {
    auto& run = kept.run;
    run.state = to.state;
    run.lease_until = released;
    run.wake_at = to.state == stored_state::parked ? to.wake_at : std::nullopt;
    if (to.state == stored_state::parked && kept.has_news()) run.wake_at = now_();
    run.failure_json = to.failure_json;
    if (is_ended(to.state)) run.ended_at = now_();
    run.changed_at = now_();
  }

  void add_message(kept_run& kept, journal_kind kind, const std::string& key,
                   const std::string& body) {
    kept.add({0, kind, key, body, now_()});
    kept.message_id = kept.run.last_id;
    kept.run.changed_at = now_();
    if (kept.run.state == stored_state::parked) kept.run.wake_at = now_();
  }

  const std::function<wall_time()> now_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, kept_run> runs_;
  std::vector<std::string> order_;  // of their making
  std::map<std::string, store_member> members_;
};

}  // namespace

std::unique_ptr<run_store> make_memory_run_store(std::function<wall_time()> now) {
  return std::make_unique<memory_run_store>(std::move(now));
}

}  // namespace graphbit
