#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graphbit {

class runtime;

/// Names and values that tell the series of one metric apart. Values must come from small sets
/// (providers, models, states), never from requests; see `metrics_registry::series_max`.
using metric_labels = std::vector<std::pair<std::string, std::string>>;

/// A number that only grows. Any thread.
class metric_counter {
 public:
  /// Any thread; `n` must not be negative.
  void add(double n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  /// The same without a locked instruction, for a counter that one thread alone writes.
  void add_alone(double n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// The sum so far.
  [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// A number that goes up and down; several gauges of one series are added up. Any thread.
class metric_gauge {
 public:
  /// Any thread.
  void set(double n) noexcept { value_.store(n, std::memory_order_relaxed); }
  /// Any thread; a negative `n` takes away.
  void add(double n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  /// As it was set last.
  [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// How often a value fell between which bounds. Any thread.
class metric_histogram {
 public:
  /// `bounds`: ascending upper bounds (inclusive) that outlive every histogram, such as a table;
  /// beyond the last one there is always one more bucket.
  explicit metric_histogram(std::span<const double> bounds)
      : bounds_(bounds), counts_(bounds.size() + 1) {}

  /// Counts `value` in its bucket. Any thread.
  void observe(double value) noexcept {
    counts_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  /// The same without a locked instruction, for a histogram that one thread alone writes.
  void observe_alone(double value) noexcept {
    auto& count = counts_[bucket_of(value)];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }

  /// Adds what another one of the same bounds has counted.
  void add(const metric_histogram& other) noexcept;

  /// The buckets' upper bounds, ascending; above the last there is one more.
  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
  /// How many values fell into each bucket; the last one is beyond all bounds.
  [[nodiscard]] std::vector<std::uint64_t> counts() const {
    return {counts_.begin(), counts_.end()};
  }
  /// Of all values that were observed.
  [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] std::size_t bucket_of(double value) const noexcept {
    return static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                    bounds_.begin());
  }

  std::span<const double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

/// What the metrics come to at one moment: collectors write into it, and it becomes Prometheus
/// text. Values of one series that come from several places are added up.
class metrics_page {
 public:
  /// Of each name at most `series_max` series.
  explicit metrics_page(std::size_t series_max) : series_max_(series_max) {}

  /// `name` of a counter ends in "_total"; `help` is one sentence for a human.
  void counter(std::string_view name, std::string_view help, const metric_labels& labels,
               double value);
  /// A value that goes up and down.
  void gauge(std::string_view name, std::string_view help, const metric_labels& labels,
             double value);
  /// `counts` has one entry more than `bounds`.
  void histogram(std::string_view name, std::string_view help, const metric_labels& labels,
                 std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum);

  /// Prometheus text exposition format, version 0.0.4: families and series in order of name.
  [[nodiscard]] std::string text() const;

 private:
  enum class kind : std::uint8_t { counter, gauge, histogram };
  struct series {
    double value = 0;  // of a histogram: the sum
    std::vector<std::uint64_t> counts;
  };
  struct family {
    kind type = kind::counter;
    std::string help;
    std::vector<double> bounds;
    std::map<std::string, series> all;  // by label text: a="b",c="d"
  };
  series& at(std::string_view name, std::string_view help, kind type, const metric_labels& labels);
  static void write(std::string& out, const std::string& name, const family& f,
                    const std::string& labels, const series& s);

  std::size_t series_max_;
  std::map<std::string, family, std::less<>> families_;
};

/// The metrics of one runtime: `rt.service<metrics_registry>()`.
///
/// Problem: many parts count, on many threads and at millions of events per second, and somebody
/// wants one page every few seconds. So who counts gets a cell of his own (`counter`, `gauge`,
/// `histogram`: keep the pointer, adding costs some nanoseconds), what is counted elsewhere anyway
/// is read when the page is made (`collect_with`), and only making the page takes a lock.
///
/// Several cells of the same name and labels are one series: their sum. A cell that its owner has
/// let go of stays in the sum. A family has at most `series_max` series; what comes later is
/// counted under labels that all say "other".
/// Names follow Prometheus: base units (`_seconds`, `_bytes`), counters end in `_total`, ours begin
/// with "graphbit_". Threads: any.
class metrics_registry {
 public:
  /// Of one name; further label values are summed up in one series.
  static constexpr std::size_t series_max = 500;

  metrics_registry() = default;
  /// Adds what the runtime and the process say themselves.
  explicit metrics_registry(runtime& rt);
  metrics_registry(const metrics_registry&) = delete;
  metrics_registry& operator=(const metrics_registry&) = delete;

  /// A cell of the caller's own. A name must always come with the same kind and bounds.
  [[nodiscard]] std::shared_ptr<metric_counter> counter(const std::string& name, std::string help,
                                                        metric_labels labels = {});
  /// As `counter`, for a value that goes up and down.
  [[nodiscard]] std::shared_ptr<metric_gauge> gauge(const std::string& name, std::string help,
                                                    metric_labels labels = {});
  /// As `counter`, for values that are counted in buckets.
  [[nodiscard]] std::shared_ptr<metric_histogram> histogram(const std::string& name,
                                                            std::string help,
                                                            std::span<const double> bounds,
                                                            metric_labels labels = {});

  /// Adds to a page what is only known when somebody asks. Must not throw.
  using collector = std::function<void(metrics_page&)>;
  /// Has `read` called for each page, until the returned handle is dropped; that waits for a call
  /// under way. It may take some milliseconds, must not throw, and must not call the registry.
  [[nodiscard]] std::shared_ptr<void> collect_with(collector read);

  /// The page as it is now. Not on a reactor's thread: collectors may ask reactors.
  [[nodiscard]] metrics_page page() const;
  /// The page in Prometheus' text format.
  [[nodiscard]] std::string text() const { return page().text(); }

 private:
  template <class Cell>
  struct cells {
    std::string help;
    metric_labels labels;
    std::vector<std::shared_ptr<Cell>> living;
    std::shared_ptr<Cell> kept;  // the sum of those whose owners are gone
  };
  template <class Cell>
  using series_of = std::map<std::pair<std::string, metric_labels>, cells<Cell>>;
  template <class Cell, class... Arguments>
  std::shared_ptr<Cell> add(series_of<Cell>& all, const std::string& name, std::string help,
                            metric_labels labels, const Arguments&... arguments);

  mutable std::mutex mutex_;
  mutable series_of<metric_counter> counters_;      // guarded by mutex_
  mutable series_of<metric_gauge> gauges_;          // guarded by mutex_
  mutable series_of<metric_histogram> histograms_;  // guarded by mutex_
  struct reader;
  mutable std::vector<std::weak_ptr<reader>> readers_;  // guarded by mutex_
  std::shared_ptr<void> own_collector_;
};

/// Bounds for latencies in seconds, as the conventions for generative AI give them.
[[nodiscard]] std::span<const double> latency_bounds() noexcept;
/// Bounds for times of our own, in seconds: 1 us to 1 s.
[[nodiscard]] std::span<const double> overhead_bounds() noexcept;

}  // namespace graphbit
