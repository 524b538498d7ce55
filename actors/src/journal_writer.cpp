#include "src/journal_writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <graphbit/runtime/log.hpp>

#include "src/run_journal.hpp"

namespace graphbit {

namespace {

constexpr auto group_age_max = milliseconds{20};
constexpr std::size_t group_size_max = 500;
constexpr std::size_t unwritten_max = 100 * group_size_max;
constexpr auto retry_period = milliseconds{250};

error stopped_error() {
  return runtime_error("journal", "the executor's journal has been closed; make a new executor");
}

error unwritable(const error& cause) {
  return resource_error(
      "journal", "the run's journal cannot be written, so the run has stopped: " + cause.message +
                     ". What is recorded is kept: execute the run "
                     "again under its run_id once the store works");
}

}  // namespace

bool journal_writer::may_pass(const error& e) {
  return e.kind == error_kind::network || e.resource_type == "database_lock";
}

error journal_writer::fenced(const std::string& run_id) {
  return runtime_error("run", "run '" + run_id +
                                  "' was taken over by another executor; this one has stopped "
                                  "working on it. Follow it with follow(), or execute it again");
}

journal_writer::~journal_writer() { stop(); }

void journal_writer::start() {
  thread_.start("graphbit-journal", 1024 * 1024, [this] { thread_main(); });
}

void journal_writer::finish() {
  const std::lock_guard guard(mutex_);
  stopping_ = true;
  work_came_.notify_one();
}

void journal_writer::stop(milliseconds patience) {
  if (!thread_.joinable()) return;
  {
    std::unique_lock guard(mutex_);
    ended_.wait_for(guard, patience, [this] { return has_ended_; });
  }
  finish();
  thread_.join();
}

bool journal_writer::ended() const {
  const std::lock_guard guard(mutex_);
  return has_ended_;
}

void journal_writer::add(entry e) {
  {
    const std::lock_guard guard(mutex_);
    if (!stopped_) {
      const bool urgent = static_cast<bool>(e.told);
      if (entries_.empty()) oldest_ = steady_clock::now();
      entries_.push_back(std::move(e));
      const bool full = entries_.size() == group_size_max;
      if ((urgent && !std::exchange(urgent_, true)) || full || entries_.size() == 1)
        work_came_.notify_one();
      return;
    }
  }
  if (e.told) e.told(fail(stopped_error()));
}

bool journal_writer::post(std::function<void()> task) {
  const std::lock_guard guard(mutex_);
  if (stopped_) return false;
  tasks_.push_back(std::move(task));
  work_came_.notify_one();
  return true;
}

void journal_writer::hold(const std::shared_ptr<run_journal>& run) {
  held_.insert_or_assign(run->held().run_id, run);
}

void journal_writer::lose(const std::shared_ptr<run_journal>& run, const error& why) {
  const auto found = held_.find(run->held().run_id);
  if (found == held_.end() || found->second != run) return;
  held_.erase(found);
  log(log_level::error, "journal", why.message);
  run->set_lost(why);
  hooks_.lost(run, why);
}

// --- the thread ---------------------------------------------------------------------------------

time_point journal_writer::next_wake() const {
  auto at = std::min(tick_at_, retry_at_);
  if (retrying_.empty() && oldest_ != never) at = std::min(at, oldest_ + group_age_max);
  return at;
}

void journal_writer::wait_for_work(std::unique_lock<std::mutex>& guard) {
  const auto ready = [this] {
    const bool writable = retrying_.empty() || steady_clock::now() >= retry_at_;
    return stopping_ || !tasks_.empty() ||
           (writable && (urgent_ || entries_.size() >= group_size_max));
  };
  while (!ready()) {
    const auto until = next_wake();
    if (steady_clock::now() >= until) return;
    work_came_.wait_until(guard, until);
  }
}

void journal_writer::thread_main() {
  std::unique_lock guard(mutex_);
  for (;;) {
    wait_for_work(guard);
    auto tasks = std::exchange(tasks_, {});
    group entries;
    const bool may_write = retrying_.empty() || steady_clock::now() >= retry_at_ || stopping_;
    if (may_write) {
      entries = std::exchange(entries_, {});
      oldest_ = never;
      urgent_ = false;
    }
    const bool last = stopping_;
    guard.unlock();
    if (may_write) write(std::move(entries));
    for (auto& task : tasks) task();
    if (const auto now = steady_clock::now(); now >= tick_at_ && !last) {
      tick_at_ = now + tick_period;
      hooks_.tick();
    }
    tasks.clear();  // outside the lock: they may hold the last reference to much
    guard.lock();
    if (last && entries_.empty() && tasks_.empty()) break;
  }
  stopped_ = true;
  guard.unlock();
  if (!retrying_.empty()) {
    auto left = std::exchange(retrying_, {});
    break_all(left, stopped_error());
  }
  if (hooks_.ended) hooks_.ended();
  guard.lock();
  has_ended_ = true;  // not before: what was left may hold the last reference to much, also to this
  ended_.notify_all();
}

// --- writing ------------------------------------------------------------------------------------

void journal_writer::write(group entries) {
  if (!retrying_.empty()) {
    auto earlier = std::exchange(retrying_, {});
    std::move(entries.begin(), entries.end(), std::back_inserter(earlier));
    entries = std::move(earlier);
  }
  for (std::size_t from = 0; from < entries.size();) {
    const std::size_t to = std::min(entries.size(), from + group_size_max);
    group part(std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(from)),
               std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(to)));
    if (!try_write(part)) {
      retrying_ = std::move(part);
      std::move(entries.begin() + static_cast<std::ptrdiff_t>(to), entries.end(),
                std::back_inserter(retrying_));
      if (retrying_.size() > unwritten_max) {
        auto all = std::exchange(retrying_, {});
        break_all(all, resource_error("journal", "too much waits to be written"));
      }
      return;
    }
    from = to;
  }
}

/// The records of one run go together. Those of runs that were lost meanwhile are dropped.
std::vector<run_append> journal_writer::appends_of(const group& entries) const {
  std::vector<run_append> appends;
  std::unordered_map<const run_journal*, std::size_t> places;
  for (const entry& e : entries) {
    const auto found = held_.find(e.run->held().run_id);
    if (found == held_.end() || found->second != e.run) continue;
    if (!e.record && !e.change) continue;
    const auto [place, is_new] = places.try_emplace(e.run.get(), appends.size());
    if (is_new) appends.push_back({e.run->held().run_id, e.run->held().token, {}, {}});
    run_append& to = appends[place->second];
    if (e.record) to.records.push_back(*e.record);
    if (e.change) to.change = *e.change;
  }
  return appends;
}

/// False: the store is out of reach for now, and the group is to be tried again.
bool journal_writer::try_write(group& entries) {
  const auto appends = appends_of(entries);
  if (!appends.empty()) {
    const auto written = store_->append(appends);
    if (!written) {
      const auto now = steady_clock::now();
      if (unreachable_since_ == never) unreachable_since_ = now;
      if (may_pass(written.error()) && now < unreachable_since_ + patience) {
        retry_at_ = now + retry_period;
        return false;
      }
      break_all(entries, written.error());
      return true;
    }
    unreachable_since_ = retry_at_ = never;
    drop_fenced(appends, *written);
  }
  settle(entries);
  return true;
}

void journal_writer::drop_fenced(const std::vector<run_append>& appends,
                                 const std::vector<append_result>& results) {
  for (std::size_t i = 0; i < appends.size() && i < results.size(); ++i) {
    const auto found = held_.find(appends[i].run_id);
    if (!results[i].fenced || found == held_.end()) continue;
    const auto run = found->second;
    lose(run, fenced(run->held().run_id));
  }
}

void journal_writer::settle(group& entries) {
  for (entry& e : entries) {
    const auto found = held_.find(e.run->held().run_id);
    const bool still = found != held_.end() && found->second == e.run;
    if (still && e.change) held_.erase(found);
    if (e.told && still) e.told({});
    if (e.told && !still) e.told(fail(e.run->lost_by().value_or(stopped_error())));
  }
}

void journal_writer::break_all(group& entries, const error& cause) {
  unreachable_since_ = retry_at_ = never;
  const error why = unwritable(cause);
  log(log_level::error, "journal",
      store_->name() + ": " + cause.message + "; " + std::to_string(held_.size()) + " runs stop");
  auto runs = std::exchange(held_, {});
  for (entry& e : entries)
    if (e.told) e.told(fail(why));
  for (const auto& [run_id, run] : runs) {
    run->set_lost(why);
    hooks_.lost(run, why);
  }
}

}  // namespace graphbit
