#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace graphbit::bench {

/// What one run of a bench program is asked to do, and what it saw: the C++ side of
/// bench/clients/measure.py, with the same command line and the same line of JSON.
class bench_job {
 public:
  std::string scenario;  ///< "sync", "batch", "stream", "first_chunk", "mib"
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  std::size_t items = 1000;
  std::size_t concurrency = 64;
  std::vector<double> samples_ms;  ///< one per item, where a scenario takes them

  /// Reads `SCENARIO --url URL --n N --concurrency C`; what else measure.py takes is ignored.
  /// Ends the process for `--list` and for a wrong command line.
  bench_job(int argc, char** argv, const std::vector<std::string>& scenarios);

  [[nodiscard]] bool streams() const { return scenario == "stream" || scenario == "first_chunk"; }
  /// Requests in flight at once, and requests in all.
  [[nodiscard]] std::size_t lanes() const;
  [[nodiscard]] std::size_t requests() const;
  /// The body of every request.
  [[nodiscard]] std::string body() const;

  void begin();
  /// Ends the measured part; `done` items were finished in it.
  void end(std::size_t done);
  void print(const std::string& peer);

 private:
  double cpu_s_ = 0, wall_s_ = 0;
};

/// How many server-sent events with data `bytes` holds. An event cut in two counts where its
/// "data: {" is whole, so a cut through these seven bytes loses one: a bench can live with that.
[[nodiscard]] std::size_t count_events(std::string_view bytes);

[[nodiscard]] double now_ms();

}  // namespace graphbit::bench
