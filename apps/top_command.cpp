// graphbit top: a cluster's members, or what one process does, live.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "cluster_options.hpp"
#include "cluster_table.hpp"
#include "command.hpp"
#include "interrupt.hpp"
#include "process_view.hpp"

namespace graphbit::app {

namespace {

constexpr milliseconds patience{3'000};

struct top_options {
  cluster_options cluster;
  std::string address;
  double interval_s = 1;
  int rounds = 0;
  bool json = false;
};

/// Turns counts of what is done into rates between two looks.
class rate_meter {
 public:
  [[nodiscard]] member_rates measure(const std::vector<cluster::observed_member>& members) {
    const auto now = steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - looked_at_).count();
    member_rates rates;
    std::map<std::string, double> done;
    for (const auto& m : members) {
      const auto* count = m.status.find("done");
      if (count == nullptr) continue;
      done[m.record.name] = count->as_double();
      const auto before = done_.find(m.record.name);
      if (before != done_.end() && done[m.record.name] >= before->second)
        rates[m.record.name] = (done[m.record.name] - before->second) / seconds;
    }
    done_ = std::move(done);
    looked_at_ = now;
    return rates;
  }

 private:
  std::map<std::string, double> done_;
  time_point looked_at_{};
};

/// Shows what `look` gives, again and again. The first look must succeed; later ones may not.
template <class Look>
int show(const top_options& o, Look look) {
  const interrupt signals;
  const bool terminal = isatty(STDOUT_FILENO) != 0 && !o.json;
  for (int round = 0; !interrupt::came() && (o.rounds == 0 || round < o.rounds); ++round) {
    if (round > 0)
      std::this_thread::sleep_for(milliseconds{static_cast<std::int64_t>(o.interval_s * 1000)});
    const expected<std::string> text = look();
    if (!text && round == 0) return complain(describe(text.error()), failed);
    if (!text) continue;
    if (terminal) std::fputs("\x1b[H\x1b[2J", stdout);
    std::fputs(text->c_str(), stdout);
    std::fflush(stdout);
  }
  return done;
}

int show_process(const top_options& o) {
  runtime rt;
  return show(o, [&]() -> expected<std::string> {
    const auto state = process_state(rt, o.address);
    if (!state) return fail(state.error());
    return o.json ? to_json(*state) + "\n" : process_table(*state);
  });
}

int run_top(const top_options& o) {
  if (!o.address.empty()) return show_process(o);
  auto observer = o.cluster.observe();
  if (!observer) return complain(describe(observer.error()), wrong_usage);
  rate_meter meter;
  return show(o, [&]() -> expected<std::string> {
    const auto members = (*observer)->look(patience);
    if (!members) return fail(members.error());
    const auto rates = meter.measure(*members);
    return o.json ? to_json(cluster_json(*members, rates)) + "\n" : cluster_table(*members, rates);
  });
}

const command registered{
    "top", "what a cluster's members do, or one process does, live", [](CLI::App& app) {
      auto o = std::make_shared<top_options>();
      app.add_option("address", o->address,
                     "a process's live page (HOST:PORT or its URL), instead of a cluster");
      o->cluster.add_to(app, "--seed");
      app.add_option("--interval", o->interval_s, "seconds between two looks")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
      app.add_option("-n,--rounds", o->rounds, "end after so many looks (default: never)");
      app.add_flag("--json", o->json, "one JSON object per look");
      return [o] { return run_top(*o); };
    }};

}  // namespace

}  // namespace graphbit::app
