#include <graphbit/runtime/tracer.hpp>

#include <condition_variable>
#include <mutex>

#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/native_thread.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {

namespace {

std::string text_of(const span_attribute& attribute) {
  struct to_text {
    std::string operator()(const std::string& s) const { return s; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(double n) const { return to_json(json_value(n)); }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(const span_attribute::list& texts) const {
      std::string out;
      for (const auto& t : texts) out += (out.empty() ? "" : ",") + t;
      return out;
    }
  };
  return std::visit(to_text{}, attribute.value);
}

}  // namespace

std::string describe(const trace_span& span) {
  std::string out = "span " + span.name + " " + span.context.traceparent().substr(3, 49);
  out += " took " +
         std::to_string(
             std::chrono::duration_cast<std::chrono::microseconds>(span.ended - span.started)
                 .count()) +
         " us";
  if (span.failed) out += ", failed: " + span.failure;
  for (const auto& a : span.attributes) out.append(" ").append(a.name).append("=") += text_of(a);
  return out;
}

class tracer::impl {
 public:
  explicit impl(runtime& rt) : thread_name_(rt.options().thread_name_prefix + "-trace") {
    auto& metrics = *rt.service<metrics_registry>();
    collector_ = metrics.collect_with([this](metrics_page& page) { collect(page); });
  }

  ~impl() { end(); }

  void end() {
    ending_.request_stop();
    static_cast<void>(flush(seconds{2}));
    collector_.reset();
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    idle_.notify_all();
    if (thread_.joinable()) thread_.join();
    options_.reset();  // and with them the exporter
  }

  void start(tracer_options options) {
    auto changed = std::make_shared<const tracer_options>(std::move(options));  // dropped unlocked
    const std::lock_guard guard(mutex_);
    if (stopping_) return;
    options_.swap(changed);
    queue_.reserve(options_->batch_max);
    if (!thread_.joinable()) thread_.start(thread_name_, 1024 * 1024, [this] { work(); });
  }

  void record(trace_span&& span) {
    bool full = false;
    {
      const std::lock_guard guard(mutex_);
      ++stats_.recorded;
      if (stopping_ || queue_.size() >= options_->queued_max) {
        ++stats_.dropped;
        return;
      }
      queue_.push_back(std::move(span));
      full = queue_.size() == options_->batch_max;
    }
    if (full) wake_.notify_one();
  }

  bool flush(milliseconds patience) {
    std::unique_lock lock(mutex_);
    hurry_ = true;
    wake_.notify_one();
    const auto left = [&] { return queue_.empty() && !busy_; };
    idle_.wait_for(lock, patience, [&] { return stopping_ || left(); });
    hurry_ = false;
    return left();
  }

  tracer_stats stats() const {
    const std::lock_guard guard(mutex_);
    auto s = stats_;
    s.queued = queue_.size();
    return s;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait_for(lock, options_->interval, [&] {
        return stopping_ || (hurry_ && !queue_.empty()) || queue_.size() >= options_->batch_max;
      });
      if (stopping_) return;
      while (!queue_.empty() && !stopping_) hand_over(lock);
      idle_.notify_all();
    }
  }

  void hand_over(std::unique_lock<std::mutex>& lock) {
    std::vector<trace_span> batch;
    if (queue_.size() <= options_->batch_max) {
      batch.swap(queue_);
    } else {
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(options_->batch_max);
      batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
      queue_.erase(queue_.begin(), end);
    }
    busy_ = true;
    const auto options = options_;
    lock.unlock();
    const bool taken = take(*options, batch);
    lock.lock();
    busy_ = false;
    (taken ? stats_.exported : stats_.lost) += batch.size();
    batch.clear();
    if (queue_.empty()) queue_.swap(batch);  // keeps its memory
  }

  bool take(const tracer_options& options, const std::vector<trace_span>& batch) const try {
    if (options.exporter) return options.exporter->take(batch, ending_.get_token());
    for (const auto& span : batch) log(log_level::debug, "trace", describe(span));
    return true;
  } catch (const std::exception& e) {
    log(log_level::error, "trace", std::string("the exporter of spans threw: ") + e.what());
    return false;
  }

  void collect(metrics_page& page) const {
    const auto s = stats();
    const auto count = [&](const char* what, std::uint64_t n) {
      page.counter("graphbit_spans_total", "Finished spans, by what became of them.",
                   {{"outcome", what}}, static_cast<double>(n));
    };
    count("exported", s.exported);
    count("dropped", s.dropped);
    count("lost", s.lost);
    page.gauge("graphbit_spans_queued", "Finished spans that wait for their export.", {},
               static_cast<double>(s.queued));
  }

  const std::string thread_name_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::shared_ptr<const tracer_options> options_;  // guarded by mutex_, as the rest
  std::vector<trace_span> queue_;
  tracer_stats stats_;
  bool hurry_ = false, busy_ = false, stopping_ = false;
  std::stop_source ending_;
  std::shared_ptr<void> collector_;
  native_thread thread_;
};

/// Made by its tracer, and so before it among the runtime's services: it ends right after.
class tracer::end_with_runtime {
 public:
  explicit end_with_runtime(runtime&) {}
  ~end_with_runtime() {
    if (of) of->end();
  }
  std::shared_ptr<impl> of;
};

tracer::tracer(runtime& rt) : impl_(std::make_shared<impl>(rt)) {
  rt.service<end_with_runtime>()->of = impl_;
}
tracer::~tracer() = default;

void tracer::start(tracer_options options) {
  content_ = options.content;
  impl_->start(std::move(options));
  on_ = true;
}

void tracer::record(trace_span span) noexcept {
  if (!on()) return;
  try {
    impl_->record(std::move(span));
  } catch (const std::exception&) {  // no memory: a span is not worth a failure
  }
}

bool tracer::flush(milliseconds patience) { return !on() || impl_->flush(patience); }
tracer_stats tracer::stats() const { return impl_->stats(); }

}  // namespace graphbit
