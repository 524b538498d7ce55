#include <graphbit/actors/batch_job.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <unordered_map>

#include <graphbit/net/batch_format.hpp>
#include <graphbit/runtime/atomic_file.hpp>
#include <graphbit/runtime/native_thread.hpp>

namespace graphbit {

namespace {

constexpr auto group_age_max = milliseconds{100};
constexpr std::size_t group_size_max = 500;
constexpr std::size_t unkept_max = 8 * group_size_max;  // past it the source waits for the disk
constexpr std::size_t hand_over_max = 64;               // lines per message to the batch
constexpr auto interrupt_period = milliseconds{50};

// What a cancellation or the end of the batch did to a line is not the line's own outcome: a later
// run sends it again.
[[nodiscard]] bool is_final(const batch_outcome& outcome) {
  if (!outcome.started) return false;
  return outcome.result ||
         !(outcome.result.error().cancelled || ends_batch(outcome.result.error()));
}

}  // namespace

std::uint64_t line_fingerprint(std::string_view line) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : line) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// Shared by the handle, the batch's listener (reactor thread) and the keeper (its own thread).
class batch_job::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(provider_client client, batch_job_options options, std::unique_ptr<batch_journal> journal,
       on_line tell, on_end ended)
      : client_(std::move(client)),
        options_(std::move(options)),
        journal_(std::move(journal)),
        tell_(std::move(tell)),
        ended_callback_(std::move(ended)),
        batch_id_(journal_ ? journal_->batch_id() : std::string()) {}

  expected<void> start(runtime& rt);
  void stop();

  // The source's thread.
  expected<void> add(std::string line);
  void close();
  void cancel();

  expected<batch_job_progress> wait(const std::function<bool()>& interrupted);
  batch_job_progress progress();
  expected<std::uint64_t> write_outputs(const std::string& results_path,
                                        const std::string& errors_path);

  // The reactor's thread.
  void wanted(std::size_t count);
  void came(batch_outcome outcome);
  void done(const batch_summary& summary);

 private:
  struct source_line {
    std::string custom_id;
    std::uint64_t fingerprint = 0;
  };
  struct finished_line {
    source_line source;
    batch_outcome outcome;
  };

  [[nodiscard]] expected<void> refuse_shrunk_input();
  expected<bool> skip_kept(std::uint64_t index, std::uint64_t fingerprint);
  void hand_over();
  void keeper_main();
  expected<void> keep(std::vector<finished_line> group);
  [[nodiscard]] std::string format(const finished_line& line) const;
  [[nodiscard]] std::string line_id(std::uint64_t index) const;
  void halt(error why);
  [[nodiscard]] expected<void> write_file(const std::string& path, bool succeeded);

  provider_client client_;
  batch_job_options options_;
  std::mutex journal_mutex_;  // taken before mutex_ where both are
  std::unique_ptr<batch_journal> journal_;
  on_line tell_;
  on_end ended_callback_;
  const std::string batch_id_;
  batch batch_;
  native_thread keeper_;

  std::mutex mutex_;               // all below
  std::vector<batch_item> ready_;  // not yet handed over: a message per line would wake too often
  std::condition_variable room_came_, work_came_, ended_;
  std::size_t room_ = 0;
  std::unordered_map<std::uint64_t, source_line> in_flight_;
  std::vector<finished_line> finished_;
  batch_job_progress progress_;
  std::optional<error> halted_by_;
  bool batch_done_ = false;
  bool all_kept_ = false;
};

namespace {

template <class Impl>
class job_listener final : public batch_listener {
 public:
  explicit job_listener(std::shared_ptr<Impl> job) : job_(std::move(job)) {}
  void on_wanted(std::size_t count) override { job_->wanted(count); }
  void on_outcome(batch_outcome outcome) override { job_->came(std::move(outcome)); }
  void on_done(const batch_summary& summary) override { job_->done(summary); }

 private:
  std::shared_ptr<Impl> job_;
};

}  // namespace

expected<void> batch_job::impl::start(runtime& rt) {
  auto started = batch::start(rt, client_, options_.batch,
                              std::make_unique<job_listener<impl>>(shared_from_this()));
  if (!started) return fail(started.error());
  batch_ = std::move(*started);
  keeper_.start("graphbit-keep", 1024 * 1024, [this] { keeper_main(); });
  return {};
}

void batch_job::impl::stop() {
  if (!keeper_.joinable()) return;
  {
    const std::lock_guard guard(mutex_);
    if (!batch_done_) batch_.cancel();
  }
  keeper_.join();
  // A source that is still inside `add` must not keep the file open.
  const std::lock_guard guard(journal_mutex_);
  journal_.reset();
}

// --- lines come in ------------------------------------------------------------------------------

expected<void> batch_job::impl::add(std::string line) {
  const auto fingerprint = line_fingerprint(line);
  std::uint64_t index = 0;
  {
    std::unique_lock guard(mutex_);
    if (room_ == 0) hand_over();  // what is still here could be what all wait for
    room_came_.wait(guard,
                    [this] { return halted_by_ || (room_ > 0 && finished_.size() < unkept_max); });
    if (halted_by_) return fail(*halted_by_);
    index = progress_.read++;
  }
  const auto kept = skip_kept(index, fingerprint);
  if (!kept) return fail(kept.error());
  if (*kept) return {};
  auto parsed = parse_batch_line(line);
  source_line source{parsed ? parsed->custom_id : custom_id_of(line), fingerprint};
  const std::lock_guard guard(mutex_);
  if (!parsed) {
    finished_.push_back({std::move(source), {index, fail(parsed.error()), true, 0}});
    return {};
  }
  --room_;
  in_flight_.emplace(index, std::move(source));
  batch_item item{index, {}, line_id(index)};
  std::visit([&](auto& request) { item.request = std::move(request); }, parsed->request);
  ready_.push_back(std::move(item));
  if (ready_.size() >= hand_over_max) hand_over();
  return {};
}

// Precondition: mutex_ is held.

void batch_job::impl::hand_over() {
  if (!ready_.empty()) batch_.add(std::exchange(ready_, {}));
}

void batch_job::impl::close() {
  if (auto same = refuse_shrunk_input(); !same) halt(same.error());
  const std::lock_guard guard(mutex_);
  hand_over();
  batch_.close();
}

// Lines that are kept but no longer in the input would come out as answers to nothing.
expected<void> batch_job::impl::refuse_shrunk_input() {
  const std::lock_guard guard(journal_mutex_);
  const std::lock_guard count(mutex_);
  if (!journal_ || progress_.read >= journal_->kept_end()) return {};
  return fail(validation_error(
      "line", "the input ends after line " + std::to_string(progress_.read) +
                  ", but the journal has finished line " + std::to_string(journal_->kept_end()) +
                  "; start a changed input with a new journal"));
}

void batch_job::impl::cancel() { halt(cancelled_error("batch")); }

// A kept line is not sent again; one that changed since means that this is another batch.
expected<bool> batch_job::impl::skip_kept(std::uint64_t index, std::uint64_t fingerprint) {
  const std::lock_guard guard(journal_mutex_);
  if (!journal_ || index >= journal_->kept_end()) return false;
  auto kept = journal_->kept(index, options_.retry_failed);
  if (!kept) return halt(kept.error()), fail(kept.error());
  if (!kept->has_value()) return false;
  if (**kept != fingerprint) {
    auto e = validation_error("line", "line " + std::to_string(index + 1) +
                                          " is not the line that the journal has finished; start "
                                          "a changed input with a new journal");
    halt(e);
    return fail(std::move(e));
  }
  if (tell_) {
    auto entry = journal_->read(index);
    if (!entry || !*entry) return halt(entry ? core_error("journal") : entry.error()), true;
    batch_job_line line;
    line.index = index;
    line.resumed = true;
    line.outcome = {index, fail(core_error("resumed")), false, 0};
    line.succeeded = (*entry)->succeeded;
    line.output = std::move((*entry)->output);
    tell_(std::move(line));
  }
  const std::lock_guard count(mutex_);
  ++progress_.resumed;
  return true;
}

// The same for one line of one journal in every run: a provider that heeds it answers once.
std::string batch_job::impl::line_id(std::uint64_t index) const {
  return batch_id_.empty() ? std::string() : batch_id_ + "-" + std::to_string(index);
}

// --- outcomes come back -------------------------------------------------------------------------

void batch_job::impl::wanted(std::size_t count) {
  const std::lock_guard guard(mutex_);
  room_ = count;
  room_came_.notify_one();
}

void batch_job::impl::came(batch_outcome outcome) {
  const std::lock_guard guard(mutex_);
  const auto found = in_flight_.find(outcome.index);
  if (found == in_flight_.end()) return;
  finished_.push_back({std::move(found->second), std::move(outcome)});
  in_flight_.erase(found);
  if (finished_.size() == group_size_max) work_came_.notify_one();
}

void batch_job::impl::done(const batch_summary& summary) {
  const std::lock_guard guard(mutex_);
  batch_done_ = true;
  if (summary.stopped_by && !halted_by_) halted_by_ = summary.stopped_by;
  room_came_.notify_all();
  work_came_.notify_one();
}

void batch_job::impl::halt(error why) {
  const std::lock_guard guard(mutex_);
  if (!halted_by_) halted_by_ = std::move(why);
  if (!batch_done_) batch_.cancel();
  room_came_.notify_all();
}

// --- the keeper's thread ------------------------------------------------------------------------

void batch_job::impl::keeper_main() {
  std::unique_lock guard(mutex_);
  for (;;) {
    work_came_.wait_for(guard, group_age_max,
                        [this] { return batch_done_ || finished_.size() >= group_size_max; });
    hand_over();  // a slow source leaves some behind
    const bool last = batch_done_;
    auto group = std::exchange(finished_, {});
    room_came_.notify_one();
    guard.unlock();
    const auto kept = keep(std::move(group));
    if (!kept) halt(kept.error());
    guard.lock();
    if (last && finished_.empty()) break;
  }
  all_kept_ = true;
  ended_.notify_all();
  const auto how = halted_by_ ? expected<void>(fail(*halted_by_)) : expected<void>();
  guard.unlock();
  if (ended_callback_) ended_callback_(how);
}

expected<void> batch_job::impl::keep(std::vector<finished_line> group) {
  std::vector<batch_entry> entries;
  for (const auto& line : group)
    if (is_final(line.outcome))
      entries.push_back({line.outcome.index, line.source.fingerprint,
                         line.outcome.result.has_value(), format(line)});
  if (journal_ && !entries.empty()) {
    const std::lock_guard guard(journal_mutex_);
    if (auto kept = journal_->keep(entries); !kept) return kept;
  }
  std::size_t next_entry = 0;
  for (auto& line : group) {
    const bool has_entry =
        next_entry < entries.size() && entries[next_entry].index == line.outcome.index;
    batch_job_line told{line.outcome.index,
                        std::move(line.source.custom_id),
                        std::move(line.outcome),
                        false,
                        has_entry ? std::move(entries[next_entry].output) : std::string(),
                        false};
    next_entry += has_entry ? 1 : 0;
    told.succeeded = told.outcome.result.has_value();
    {
      const std::lock_guard guard(mutex_);
      auto& p = progress_;
      if (!has_entry) {
        ++p.not_started;
      } else if (told.succeeded) {
        ++p.succeeded;
        std::visit(
            [&](const auto& response) {
              p.attempts += response.attempts;
              p.prompt_tokens += response.usage.prompt_tokens;
              p.completion_tokens += response.usage.completion_tokens;
              p.cost += response.cost.value_or(0);
            },
            *told.outcome.result);
      } else {
        ++p.failed;
        p.attempts += told.outcome.result.error().attempts;
      }
    }
    if (tell_) tell_(std::move(told));
  }
  return {};
}

std::string batch_job::impl::format(const finished_line& line) const {
  const auto id = "batch_req_" + line_id(line.outcome.index);
  if (!line.outcome.result)
    return format_batch_error(id, line.source.custom_id, line.outcome.result.error());
  return std::visit(
      [&](const auto& response) {
        return format_batch_result(id, line.source.custom_id, response);
      },
      *line.outcome.result);
}

// --- the handle ---------------------------------------------------------------------------------

expected<batch_job_progress> batch_job::impl::wait(const std::function<bool()>& interrupted) {
  std::unique_lock guard(mutex_);
  while (!ended_.wait_for(guard, interrupt_period, [this] { return all_kept_; })) {
    if (!interrupted || halted_by_) continue;
    guard.unlock();
    if (interrupted()) cancel();
    guard.lock();
  }
  if (halted_by_) return fail(*halted_by_);
  return progress_;
}

batch_job_progress batch_job::impl::progress() {
  auto p = [this] {
    const std::lock_guard guard(mutex_);
    progress_.in_flight = in_flight_.size();
    return progress_;
  }();
  const auto now = client_.stats();
  p.provider = now.breaker;
  p.in_flight = std::min<std::uint64_t>(p.in_flight, now.in_flight);
  return p;
}

expected<void> batch_job::impl::write_file(const std::string& path, bool succeeded) {
  auto file = atomic_file::create(path);
  if (!file) return fail(file.error());
  expected<void> written;
  const std::lock_guard guard(journal_mutex_);
  auto read = journal_->each(succeeded, [&](std::string_view line) {
    written = file->write(line);
    if (written) written = file->write("\n");
    return written.has_value();
  });
  if (!read) return read;
  if (!written) return written;
  return file->commit();
}

expected<std::uint64_t> batch_job::impl::write_outputs(const std::string& results_path,
                                                       const std::string& errors_path) {
  if (auto done = write_file(results_path, true); !done) return fail(done.error());
  std::uint64_t failed = 0;
  {
    const std::lock_guard guard(journal_mutex_);
    auto read = journal_->each(false, [&](std::string_view) { return ++failed, true; });
    if (!read) return fail(read.error());
  }
  if (failed == 0) {  // what an earlier run wrote there is no longer true
    std::remove(errors_path.c_str());
    return failed;
  }
  if (auto done = write_file(errors_path, false); !done) return fail(done.error());
  return failed;
}

expected<std::unique_ptr<batch_job>> batch_job::start(runtime& rt, provider_client client,
                                                      batch_job_options options,
                                                      std::unique_ptr<batch_journal> journal,
                                                      on_line tell, on_end ended) {
  auto shared = std::make_shared<impl>(std::move(client), std::move(options), std::move(journal),
                                       std::move(tell), std::move(ended));
  if (auto started = shared->start(rt); !started) return fail(started.error());
  return std::unique_ptr<batch_job>(new batch_job(std::move(shared)));
}

batch_job::~batch_job() { impl_->stop(); }

void batch_job::stop() { impl_->stop(); }

expected<void> batch_job::add(std::string line) { return impl_->add(std::move(line)); }
void batch_job::close() { impl_->close(); }
void batch_job::cancel() { impl_->cancel(); }
expected<batch_job_progress> batch_job::wait(const std::function<bool()>& interrupted) {
  return impl_->wait(interrupted);
}
batch_job_progress batch_job::progress() const { return impl_->progress(); }
expected<std::uint64_t> batch_job::write_outputs(const std::string& results_path,
                                                 const std::string& errors_path) {
  return impl_->write_outputs(results_path, errors_path);
}

}  // namespace graphbit
