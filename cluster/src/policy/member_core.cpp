#include "member_core.hpp"

#include <algorithm>
#include <utility>

namespace graphbit::cluster {

namespace {

// What an owner may have queued here in slots: windows may have shrunk while items were under way.
constexpr std::size_t queue_slots_max = 4;
constexpr std::size_t configurations_max = 1024;
// Pieces of one stream on their way to an owner that has not confirmed them.
constexpr std::uint32_t pieces_unconsumed_max = limits::stream_chunks_max;

}  // namespace

void member_core::owner_up(session_id session, std::uint32_t weight) {
  auto& s = sessions_[session];
  s.weight = std::max(1u, weight);
  ledger_.add(session, weight);
  send_credit();
}

void member_core::owner_down(session_id session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  queued_ -= found->second.queue.size();
  for (const auto& [item, job] : found->second.running) {
    jobs_.at(job).owner = 0;
    out_.stop(job);
  }
  sessions_.erase(found);
  ledger_.remove(session);
  send_credit();
}

bool member_core::receive(session_id session, message m) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return true;
  auto& s = found->second;
  if (auto* item = std::get_if<work_item>(&m)) {
    take(session, s, std::move(*item));
  } else if (auto* config = std::get_if<configuration>(&m)) {
    if (s.configurations.size() >= configurations_max && !s.configurations.contains(config->id)) {
      out_.close(session, "it sent more than 1024 configurations");
      return true;
    }
    const auto id = config->id;
    s.configurations[id] = std::move(*config);
  } else if (const auto* what = std::get_if<cancel_item>(&m)) {
    cancel(s, *what);
  } else if (const auto* pieces = std::get_if<consumed>(&m)) {
    was_consumed(s, *pieces);
  } else if (const auto* wanted = std::get_if<demand>(&m)) {
    s.wanted = std::min(wanted->waiting, 1u << 24);
    update_demand(session, s);
    send_credit();
  } else {
    return false;
  }
  return true;
}

void member_core::take(session_id id, session& s, work_item item) {
  if (draining_) return out_.send(id, given_back{item.id, item.attempt});
  if (s.queue.size() + s.running.size() >= queue_slots_max * slots_ + 64)
    return out_.close(id, "it sent more work than it had credit for");
  // A repeat of an item supersedes what runs of it here.
  cancel(s, {item.id, item.attempt});
  s.queue.push_back(std::move(item));
  ++queued_;
  start_some();
}

void member_core::cancel(session& s, const cancel_item& what) {
  const auto waiting = std::find_if(s.queue.begin(), s.queue.end(),
                                    [&](const work_item& i) { return i.id == what.id; });
  if (waiting != s.queue.end() && waiting->attempt <= what.attempt) {
    s.queue.erase(waiting);
    --queued_;
  }
  const auto running = s.running.find(what.id);
  if (running == s.running.end() || jobs_.at(running->second).attempt > what.attempt) return;
  const auto job = running->second;
  jobs_.at(job).owner = 0;
  s.running.erase(running);
  out_.stop(job);
}

void member_core::was_consumed(session& s, const consumed& what) {
  const auto running = s.running.find(what.id);
  if (running == s.running.end()) return;
  auto& j = jobs_.at(running->second);
  if (j.attempt != what.attempt) return;
  j.unconsumed -= std::min(j.unconsumed, what.pieces);
  if (!j.paused || j.unconsumed >= pieces_unconsumed_max / 2) return;
  j.paused = false;
  out_.resume(running->second);
}

// The owner that has the least running for its weight.
std::pair<const session_id, member_core::session>* member_core::next_in_turn() {
  std::pair<const session_id, session>* next = nullptr;
  double least = 0;
  for (auto& entry : sessions_) {
    if (entry.second.queue.empty()) continue;
    const double load = static_cast<double>(entry.second.running.size()) / entry.second.weight;
    if (next != nullptr && load >= least) continue;
    next = &entry;
    least = load;
  }
  return next;
}

void member_core::start_some() {
  while (jobs_.size() < slots_) {
    auto* next = next_in_turn();
    if (next == nullptr) return;
    auto& [id, s] = *next;
    const auto item = std::move(s.queue.front());
    s.queue.pop_front();
    --queued_;
    const auto config = s.configurations.find(item.configuration);
    const bool known = config != s.configurations.end();
    if (!known && !std::holds_alternative<function_call>(*item.request)) {
      out_.close(id, "it sent an item with a configuration that it never sent");
      return;
    }
    const auto job = next_job_++;
    jobs_[job] = {.owner = id, .item = item.id, .attempt = item.attempt};
    s.running[item.id] = job;
    out_.start(job, item, known ? &config->second : nullptr);
  }
}

void member_core::end(std::unordered_map<job_id, job>::iterator j) {
  if (const auto s = sessions_.find(j->second.owner); s != sessions_.end())
    s->second.running.erase(j->second.item);
  jobs_.erase(j);
  start_some();
}

void member_core::job_done(job_id job, work_result result) {
  const auto j = jobs_.find(job);
  if (j == jobs_.end()) return;
  if (j->second.owner != 0) {
    ++done_;
    out_.send(j->second.owner, work_outcome{j->second.item, j->second.attempt, std::move(result)});
  }
  end(j);
}

void member_core::job_refused(job_id job) {
  const auto j = jobs_.find(job);
  if (j == jobs_.end()) return;
  if (j->second.owner != 0)
    out_.send(j->second.owner, given_back{j->second.item, j->second.attempt});
  end(j);
}

bool member_core::text_came(job_id job, std::vector<std::string> pieces) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || found->second.owner == 0) return true;
  auto& j = found->second;
  const auto count = static_cast<std::uint32_t>(pieces.size());
  out_.send(j.owner, stream_text{j.item, j.attempt, std::move(pieces)});
  j.unconsumed += count;
  j.paused = j.unconsumed >= pieces_unconsumed_max;
  return !j.paused;
}

void member_core::stream_restarted(job_id job) {
  const auto j = jobs_.find(job);
  if (j == jobs_.end() || j->second.owner == 0) return;
  out_.send(j->second.owner, stream_restart{j->second.item, j->second.attempt});
}

void member_core::drain() {
  if (draining_) return;
  draining_ = true;
  ledger_.close();
  send_credit();
  for (auto& [id, s] : sessions_) {
    for (const auto& item : s.queue) out_.send(id, given_back{item.id, item.attempt});
    s.queue.clear();
  }
  queued_ = 0;
}

void member_core::give_up() {
  drain();
  for (auto& [id, s] : sessions_) {
    for (const auto& [item, job] : s.running) {
      auto& j = jobs_.at(job);
      out_.send(id, given_back{j.item, j.attempt});
      j.owner = 0;
      out_.stop(job);
    }
    s.running.clear();
  }
}

void member_core::update_demand(session_id id, const session& s) {
  ledger_.set_demand(id, s.wanted + static_cast<std::uint32_t>(s.running.size() + s.queue.size()));
}

void member_core::send_credit() {
  for (const auto& grant : ledger_.changes())
    if (sessions_.contains(grant.owner)) out_.send(grant.owner, credit{grant.window});
}

}  // namespace graphbit::cluster
