#include <graphbit/actors/timeline.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "src/svg_text.hpp"

namespace graphbit {

namespace {

constexpr int row_height = 20, bar_height = 14, label_width = 230, chart_width = 820,
              right_width = 110, top = 64, bottom = 34;
constexpr int width = label_width + chart_width + right_width;

std::string number(double value, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string time_label(double ms) {
  if (ms >= 10'000) return number(ms / 1000, 1) + " s";
  return number(ms, ms < 10 ? 1 : 0) + " ms";
}

struct bar {
  std::string name, detail;
  node_status status;
  time_point from, to;
};

/// Bars of one run in order of start; nodes that never started come last.
std::vector<bar> bars_of(const run_result& result) {
  const run_record& record = result.record();
  std::vector<bar> bars;
  for (std::size_t i = 0; i < record.nodes.size(); ++i) {
    const node_result& n = record.nodes[i];
    const bool ran = n.started != time_point{};
    std::string detail = n.failure ? describe(*n.failure) : n.why;
    bars.push_back({record.flow->nodes()[i]->name, std::move(detail), n.status,
                    ran ? n.started : record.ended, ran ? n.ended : record.ended});
  }
  std::stable_sort(bars.begin(), bars.end(),
                   [](const bar& a, const bar& b) { return a.from < b.from; });
  return bars;
}

/// Puts rows one below the other on a common time axis.
class chart {
 public:
  chart(time_point from, time_point to)
      : from_(from), span_ms_(std::max(ms_between(from, to), 0.001)) {}

  void heading(const std::string& text) {
    y_ += row_height / 2;
    body_ += "<text class=\"run\" x=\"12\" y=\"" + std::to_string(y_ + 13) + "\">" +
             xml_text(shortened(text, 90)) + "</text>\n";
    y_ += row_height;
  }

  void row(const bar& b) {
    const double ms = ms_between(b.from, b.to);
    const double x = x_of(b.from), w = std::max(2.0, x_of(b.to) - x);
    const std::string status(to_string(b.status));
    const std::string took = b.status == node_status::skipped || b.status == node_status::pending
                                 ? status
                                 : time_label(ms);
    const std::string middle = std::to_string(y_ + 13);
    body_ += "<g><title>" + xml_text(b.name + ": " + status + ", " + time_label(ms)) +
             (b.detail.empty() ? "" : xml_text("\n" + b.detail)) + "</title>";
    body_ += "<text class=\"name\" x=\"" + std::to_string(label_width - 10) + "\" y=\"" + middle +
             "\">" + xml_text(shortened(b.name, 32)) + "</text>";
    body_ += "<rect x=\"" + number(x, 1) + "\" y=\"" + std::to_string(y_ + 2) + "\" width=\"" +
             number(w, 1) + "\" height=\"" + std::to_string(bar_height) + "\" rx=\"2\" fill=\"" +
             std::string(colour_of(b.status)) + "\"/>";
    body_ += "<text class=\"took\" x=\"" + number(x + w + 6, 1) + "\" y=\"" + middle + "\">" +
             took + "</text></g>\n";
    y_ += row_height;
  }

  void remark(const std::string& text) {
    body_ += "<text class=\"took\" x=\"" + std::to_string(label_width) + "\" y=\"" +
             std::to_string(y_ + 13) + "\">" + xml_text(text) + "</text>\n";
    y_ += row_height;
  }

  [[nodiscard]] std::string svg(const std::string& title) const;

 private:
  static double ms_between(time_point a, time_point b) {
    return std::chrono::duration<double, std::milli>(b - a).count();
  }
  [[nodiscard]] double x_of(time_point t) const {
    return label_width + ms_between(from_, t) / span_ms_ * chart_width;
  }
  [[nodiscard]] std::string axis() const;

  time_point from_;
  double span_ms_;
  std::string body_;
  int y_ = top;
};

/// A step of 1, 2 or 5 times a power of ten that gives at most ten lines.
double tick_step(double span_ms) {
  const double raw = span_ms / 10;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

std::string chart::axis() const {
  std::string out;
  const double step = tick_step(span_ms_);
  for (int i = 0; i * step <= span_ms_ * 1.0001; ++i) {
    const std::string x = number(label_width + i * step / span_ms_ * chart_width, 1);
    out += "<line class=\"tick\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"" + std::to_string(top) +
           "\" y2=\"" + std::to_string(y_ + 4) + "\"/><text class=\"axis\" x=\"" + x + "\" y=\"" +
           std::to_string(y_ + 20) + "\">" + time_label(i * step) + "</text>\n";
  }
  return out;
}

std::string chart::svg(const std::string& title) const {
  const std::string height = std::to_string(y_ + bottom), w = std::to_string(width);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + w + " " + height +
                    "\" width=\"" + w + "\" height=\"" + height + "\" role=\"img\">\n";
  out += "<title>" + xml_text(title) +
         "</title>\n<style>text{font:12px system-ui,sans-serif;fill:#333}"
         ".head{font-size:16px;font-weight:600;fill:#111}.run{font-weight:600;fill:#111}"
         ".name{text-anchor:end}.took{fill:#666;font-size:11px}"
         ".axis{text-anchor:middle;fill:#666;font-size:11px}.tick{stroke:#e6e8eb}</style>\n";
  out +=
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text class=\"head\" x=\"12\" "
      "y=\"26\">" +
      xml_text(shortened(title, 110)) + "</text>\n";
  int x = label_width;
  for (const auto status : {node_status::completed, node_status::failed, node_status::skipped,
                            node_status::cancelled}) {
    out += "<rect x=\"" + std::to_string(x) +
           "\" y=\"38\" width=\"12\" height=\"12\" rx=\"2\" "
           "fill=\"" +
           std::string(colour_of(status)) + "\"/><text x=\"" + std::to_string(x + 18) +
           "\" y=\"48\">" + std::string(to_string(status)) + "</text>\n";
    x += 110;
  }
  return out + axis() + body_ + "</svg>\n";
}

std::string title_of(const std::vector<run_result>& results) {
  if (results.size() != 1) return "Timeline of " + std::to_string(results.size()) + " runs";
  const run_record& record = results.front().record();
  const std::string& name = record.flow->name();
  return (name.empty() ? "Workflow" : name) + ": " + std::string(to_string(record.state)) + " in " +
         time_label(static_cast<double>(results.front().execution_time().count()));
}

}  // namespace

std::string timeline_svg(const run_result& result, std::size_t rows_max) {
  return timeline_svg(std::vector{result}, rows_max);
}

std::string timeline_svg(const std::vector<run_result>& results, std::size_t rows_max) {
  time_point from = never, to{};
  for (const run_result& r : results) {
    from = std::min(from, r.record().started);
    to = std::max(to, r.record().ended);
  }
  chart c(results.empty() ? to : from, to);
  std::size_t left_out = 0, rows = 0;
  for (const run_result& r : results) {
    if (results.size() > 1 && rows < rows_max)
      c.heading(r.record().run_id + ": " + std::string(to_string(r.state())));
    for (const bar& b : bars_of(r)) {
      if (rows++ < rows_max)
        c.row(b);
      else
        ++left_out;
    }
  }
  if (left_out > 0) c.remark("and " + std::to_string(left_out) + " more nodes, not shown");
  return c.svg(title_of(results));
}

}  // namespace graphbit
