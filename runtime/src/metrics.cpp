#include <graphbit/runtime/metrics.hpp>

#include <array>
#include <cmath>
#include <cstdio>

#include <graphbit/runtime/runtime.hpp>

#include "src/process_metrics.hpp"

namespace graphbit {

namespace {

constexpr std::array latency_table{0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                   1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
constexpr std::array overhead_table{1e-6,   2e-6,   5e-6,   10e-6,  20e-6, 50e-6, 100e-6,
                                    200e-6, 500e-6, 1e-3,   2e-3,   5e-3,  10e-3, 20e-3,
                                    50e-3,  100e-3, 200e-3, 500e-3, 1.0};

void append_number(std::string& out, double value) {
  char text[40];
  if (value == std::floor(value) && std::abs(value) < 1e15)
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.12g", value);
  out += text;
}

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '"':
        out += quoted ? "\\\"" : "\"";
        break;
      default:
        out += c;
    }
}

std::string label_text(const metric_labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += (out.empty() ? "" : ",") + name + "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  return out;
}

metric_labels other_labels(metric_labels labels) {
  for (auto& [name, value] : labels) value = "other";
  return labels;
}

void append_line(std::string& out, const std::string& name, const std::string& labels,
                 double value) {
  out += name;
  if (!labels.empty()) out += "{" + labels + "}";
  out += ' ';
  append_number(out, value);
  out += '\n';
}

void fold(metric_counter& into, const metric_counter& gone) { into.add(gone.value()); }
void fold(metric_gauge&, const metric_gauge&) {}  // what is gone is not there any more
void fold(metric_histogram& into, const metric_histogram& gone) { into.add(gone); }

// The series' cells; those whose owners are gone are kept in one.
template <class Series, class Visit>
void visit_cells(Series& series, Visit visit) {
  std::erase_if(series.living, [&](const auto& cell) {
    if (cell.use_count() > 1) return false;
    fold(*series.kept, *cell);
    return true;
  });
  visit(*series.kept);
  for (const auto& cell : series.living) visit(*cell);
}

}  // namespace

void metric_histogram::add(const metric_histogram& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i].fetch_add(other.counts_[i].load(std::memory_order_relaxed),
                         std::memory_order_relaxed);
  sum_.fetch_add(other.sum(), std::memory_order_relaxed);
}

std::span<const double> latency_bounds() noexcept { return latency_table; }
std::span<const double> overhead_bounds() noexcept { return overhead_table; }

// --- the page -----------------------------------------------------------------------------------

metrics_page::series& metrics_page::at(std::string_view name, std::string_view help, kind type,
                                       const metric_labels& labels) {
  auto found = families_.find(name);
  if (found == families_.end())
    found = families_.emplace(std::string(name), family{type, std::string(help), {}, {}}).first;
  auto& all = found->second.all;
  const std::string text = label_text(labels);
  if (const auto known = all.find(text); known != all.end()) return known->second;
  return all.size() < series_max_ ? all[text] : all[label_text(other_labels(labels))];
}

void metrics_page::counter(std::string_view name, std::string_view help,
                           const metric_labels& labels, double value) {
  at(name, help, kind::counter, labels).value += value;
}

void metrics_page::gauge(std::string_view name, std::string_view help, const metric_labels& labels,
                         double value) {
  at(name, help, kind::gauge, labels).value += value;
}

void metrics_page::histogram(std::string_view name, std::string_view help,
                             const metric_labels& labels, std::span<const double> bounds,
                             std::span<const std::uint64_t> counts, double sum) {
  auto& s = at(name, help, kind::histogram, labels);
  auto& known_bounds = families_.find(name)->second.bounds;
  if (known_bounds.empty()) known_bounds.assign(bounds.begin(), bounds.end());
  s.counts.resize(known_bounds.size() + 1);
  for (std::size_t i = 0; i < counts.size() && i < s.counts.size(); ++i) s.counts[i] += counts[i];
  s.value += sum;
}

std::string metrics_page::text() const {
  static constexpr std::array<const char*, 3> type_names{"counter", "gauge", "histogram"};
  std::string out;
  out.reserve(4096);
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + " ";
    append_escaped(out, family.help, false);
    out += "\n# TYPE " + name + " " + type_names[static_cast<std::size_t>(family.type)] + "\n";
    for (const auto& [labels, series] : family.all) write(out, name, family, labels, series);
  }
  return out;
}

void metrics_page::write(std::string& out, const std::string& name, const family& f,
                         const std::string& labels, const series& s) {
  if (f.type != kind::histogram) return append_line(out, name, labels, s.value);
  const std::string before = labels.empty() ? "" : labels + ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < s.counts.size(); ++i) {
    total += s.counts[i];
    std::string bound = "+Inf";
    if (i < f.bounds.size()) {
      bound.clear();
      append_number(bound, f.bounds[i]);
    }
    append_line(out, name + "_bucket", before + "le=\"" + bound + "\"", static_cast<double>(total));
  }
  append_line(out, name + "_sum", labels, s.value);
  append_line(out, name + "_count", labels, static_cast<double>(total));
}

// --- the registry -------------------------------------------------------------------------------

metrics_registry::metrics_registry(runtime& rt)
    : own_collector_(collect_with([&rt](metrics_page& page) {
        collect_process_metrics(page);
        const auto stats = rt.stats();
        page.gauge("graphbit_actors", "Actors alive in the runtime.", {},
                   static_cast<double>(stats.actors_alive));
        page.gauge("graphbit_blocking_threads", "Threads that run callables.", {},
                   static_cast<double>(stats.blocking_threads));
        page.gauge("graphbit_blocking_queue", "Callables that wait for a thread.", {},
                   static_cast<double>(stats.blocking_queue));
        page.gauge("graphbit_uptime_seconds", "Seconds since the runtime started.", {},
                   static_cast<double>(stats.uptime.count()));
      })) {}

template <class Cell, class... Arguments>
std::shared_ptr<Cell> metrics_registry::add(series_of<Cell>& all, const std::string& name,
                                            std::string help, metric_labels labels,
                                            const Arguments&... arguments) {
  auto cell = std::make_shared<Cell>(arguments...);
  const std::lock_guard guard(mutex_);
  const auto same_name = [&](const auto& entry) { return entry.first.first == name; };
  if (!all.contains({name, labels}) &&
      static_cast<std::size_t>(std::count_if(all.begin(), all.end(), same_name)) >= series_max)
    labels = other_labels(std::move(labels));
  auto& series = all[{name, labels}];
  if (series.kept == nullptr) {
    series.help = std::move(help);
    series.labels = std::move(labels);
    series.kept = std::make_shared<Cell>(arguments...);
  }
  series.living.push_back(cell);
  return cell;
}

std::shared_ptr<metric_counter> metrics_registry::counter(const std::string& name, std::string help,
                                                          metric_labels labels) {
  return add(counters_, name, std::move(help), std::move(labels));
}

std::shared_ptr<metric_gauge> metrics_registry::gauge(const std::string& name, std::string help,
                                                      metric_labels labels) {
  return add(gauges_, name, std::move(help), std::move(labels));
}

std::shared_ptr<metric_histogram> metrics_registry::histogram(const std::string& name,
                                                              std::string help,
                                                              std::span<const double> bounds,
                                                              metric_labels labels) {
  return add(histograms_, name, std::move(help), std::move(labels), bounds);
}

struct metrics_registry::reader {
  std::mutex mutex;
  collector read;  // guarded by mutex; empty once its handle is gone
};

std::shared_ptr<void> metrics_registry::collect_with(collector read) {
  auto made = std::make_shared<reader>();
  made->read = std::move(read);
  const std::lock_guard guard(mutex_);
  readers_.emplace_back(made);
  return {made.get(), [made](void*) {
            const std::lock_guard guard(made->mutex);
            made->read = nullptr;
          }};
}

metrics_page metrics_registry::page() const {
  metrics_page out(series_max);
  std::vector<std::shared_ptr<reader>> readers;
  {
    const std::lock_guard guard(mutex_);
    for (auto& [key, series] : counters_)
      visit_cells(series, [&, &name = key.first, &of = series](const metric_counter& c) {
        out.counter(name, of.help, of.labels, c.value());
      });
    for (auto& [key, series] : gauges_)
      visit_cells(series, [&, &name = key.first, &of = series](const metric_gauge& g) {
        out.gauge(name, of.help, of.labels, g.value());
      });
    for (auto& [key, series] : histograms_)
      visit_cells(series, [&, &name = key.first, &of = series](const metric_histogram& h) {
        out.histogram(name, of.help, of.labels, h.bounds(), h.counts(), h.sum());
      });
    std::erase_if(readers_, [](const auto& known) { return known.expired(); });
    for (const auto& known : readers_)
      if (auto living = known.lock()) readers.push_back(std::move(living));
  }
  for (const auto& one : readers) {
    const std::lock_guard guard(one->mutex);
    if (one->read) one->read(out);
  }
  return out;
}

}  // namespace graphbit
