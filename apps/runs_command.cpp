// `graphbit runs`: the durable runs of a store, by hand.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/run_history.hpp>
#include <graphbit/cluster/open_run_store.hpp>

#include "command.hpp"
#include "interrupt.hpp"
#include "provider_options.hpp"

namespace graphbit::app {

namespace {

struct runs_options {
  std::string store;
  std::string run_id;
  std::string state, workflow;
  std::size_t limit = 100;
  bool json = false;
  bool follow = false;
  double older_than_days = 30;
  std::optional<std::uint64_t> keep;
  double timeout_s = 0;
  provider_options provider;
};

[[nodiscard]] int give_up(const error& e) {
  return complain(describe(e), e.field == "state" || e.field == "run_id" || e.field == "provider" ||
                                       e.field == "store"
                                   ? wrong_usage
                                   : failed);
}

void print_row(const stored_run& run) {
  const json_value shown = run_json(run);
  std::printf("%-36s  %-9s  %-20s  %6llu  %s\n", run.run_id.c_str(),
              std::string(to_string(run.state)).c_str(),
              shown.string_or("changed_at").substr(0, 19).c_str(),
              static_cast<unsigned long long>(run.last_id), run.workflow_name.c_str());
}

int list(const runs_options& o, run_store& store) {
  run_filter filter;
  filter.workflow_name = o.workflow;
  filter.limit = o.limit;
  if (!o.state.empty()) {
    filter.state = stored_state_from(o.state);
    if (!filter.state)
      return give_up(validation_error(
          "state", "--state is running, parked, paused, completed, failed or cancelled", o.state));
  }
  const auto runs = store.list(filter);
  if (!runs) return give_up(runs.error());
  if (!o.json)
    std::printf("%-36s  %-9s  %-20s  %6s  %s\n", "run", "state", "changed", "events", "workflow");
  for (const stored_run& run : *runs) {
    if (o.json)
      std::printf("%s\n", to_json(run_json(run)).c_str());
    else
      print_row(run);
  }
  return done;
}

/// Prints events as they are recorded, until the run ends.
int follow(const std::string& run_id, run_store& store) {
  const interrupt signals;
  for (std::uint64_t after = 0; !interrupt::came();) {
    const auto records = store.records(run_id, after, 100, milliseconds{500});
    if (!records) return give_up(records.error());
    for (const journal_record& record : *records)
      std::printf("%s\n", to_json(record_event_json(record)).c_str());
    std::fflush(stdout);
    if (!records->empty()) {
      after = records->back().id;
      continue;
    }
    const auto run = store.find(run_id);
    if (!run) return give_up(run.error());
    if (!*run || is_ended((*run)->state)) return done;
  }
  return interrupted;
}

int show(const runs_options& o, run_store& store) {
  if (o.follow) return follow(o.run_id, store);
  const auto run = store.find(o.run_id);
  if (!run) return give_up(run.error());
  if (!*run) return give_up(validation_error("run_id", "no run has this id", o.run_id));
  const auto history = run_history(store, o.run_id);
  if (!history) return give_up(history.error());
  if (o.json) {
    json_value out = run_json(**run);
    out.set("history", *history);
    std::printf("%s\n", to_json_pretty(out).c_str());
    return done;
  }
  std::printf("%s\n\n", to_json_pretty(run_json(**run)).c_str());
  for (const json_value& event : history->as_array()) {
    std::string more = event.string_or("why") + event.string_or("reason");
    if (const json_value* failure = event.find("error")) more = failure->string_or("message");
    std::printf("%s  %-16s  %-20s  %s\n", event.string_or("time").substr(0, 23).c_str(),
                event.string_or("event").c_str(), event.string_or("node").c_str(), more.c_str());
  }
  return done;
}

int cancel(const runs_options& o, run_store& store) {
  const auto state = store.request_cancel(o.run_id);
  if (!state) return give_up(state.error());
  if (*state == stored_state::running)
    std::printf("%s: its owner has been asked to cancel it\n", o.run_id.c_str());
  else
    std::printf("%s: %s\n", o.run_id.c_str(), std::string(to_string(*state)).c_str());
  return done;
}

int prune(const runs_options& o, run_store& store) {
  if (!(o.older_than_days >= 0) || o.older_than_days > 36'500)
    return give_up(validation_error("state", "--older-than is a number of days from 0 to 36500"));
  retention keep;
  keep.age = milliseconds{static_cast<std::int64_t>(std::llround(o.older_than_days * 86'400'000))};
  keep.count = o.keep;
  std::uint64_t all = 0;
  for (;;) {
    const auto pruned = store.prune(keep);
    if (!pruned) return give_up(pruned.error());
    all += *pruned;
    if (*pruned == 0) break;
  }
  std::printf("%llu runs deleted\n", static_cast<unsigned long long>(all));
  return done;
}

int resume(const runs_options& o, std::shared_ptr<run_store> store) {
  const auto config = o.provider.config();
  if (!config) return give_up(config.error());
  const interrupt signals;
  runtime rt;
  executor_options options;
  options.store = std::move(store);
  options.adopt = false;
  options.max_retries = o.provider.max_retries;
  options.max_in_flight = o.provider.max_in_flight;
  if (o.timeout_s > 0)
    options.timeout = milliseconds{static_cast<std::int64_t>(o.timeout_s * 1000)};
  const auto runner = executor::open(rt, *config, std::move(options));
  if (!runner) return give_up(runner.error());
  const auto result = runner->resume(o.run_id, {}, {}, [] { return interrupt::came(); });
  if (!result) return give_up(result.error());
  std::printf("%s\n", to_json_pretty(result->to_json()).c_str());
  if (interrupt::came()) return complain("interrupted; the run is paused", interrupted);
  return result->is_success() ? done : failed;
}

/// A file that is not there has no runs: opening it would make an empty store of a wrong name.
[[nodiscard]] bool is_missing_file(const std::string& store) {
  return store != ":memory:" && store.find("://") == std::string::npos &&
         !std::filesystem::exists(store);
}

/// Each action opens the store itself, so that usage is checked before a server is asked.
template <class Action>
void add_action(CLI::App& runs, const std::shared_ptr<runs_options>& o,
                const std::shared_ptr<command::run>& chosen, const char* name,
                const char* description, bool takes_run, Action action) {
  auto* sub = runs.add_subcommand(name, description);
  if (takes_run) sub->add_option("run", o->run_id, "the run's id")->required();
  sub->callback([o, chosen, action] {
    *chosen = [o, action] {
      if (is_missing_file(o->store))
        return give_up(validation_error(
            "store", "there is no store '" + o->store + "': name the file that holds the runs",
            o->store));
      auto store = open_run_store(o->store);
      if (!store) return give_up(store.error());
      return action(*o, std::shared_ptr<run_store>(std::move(*store)));
    };
  });
}

const command registered{
    "runs", "list, show, resume, cancel and prune the durable runs of a store", [](CLI::App& app) {
      auto o = std::make_shared<runs_options>();
      auto chosen = std::make_shared<command::run>();
      app.require_subcommand(1);
      app.add_option("--store", o->store, "SQLite file, or postgresql://...")
          ->envname("GRAPHBIT_STORE")
          ->required();
      app.add_flag("--json", o->json, "print JSON");
      app.fallthrough();
      const auto add = [&](const char* name, const char* what, bool takes_run, auto action) {
        add_action(app, o, chosen, name, what, takes_run, action);
      };
      add("list", "runs, newest first", false,
          [](const runs_options& given, const std::shared_ptr<run_store>& store) {
            return list(given, *store);
          });
      add("show", "one run and what happened in it", true,
          [](const runs_options& given, const std::shared_ptr<run_store>& store) {
            return show(given, *store);
          });
      add("cancel", "cancel a run, wherever it is at work", true,
          [](const runs_options& given, const std::shared_ptr<run_store>& store) {
            return cancel(given, *store);
          });
      add("prune", "delete runs that ended long ago", false,
          [](const runs_options& given, const std::shared_ptr<run_store>& store) {
            return prune(given, *store);
          });
      add("resume", "go on with a run by its stored workflow, and wait", true,
          [](const runs_options& given, const std::shared_ptr<run_store>& store) {
            return resume(given, store);
          });
      auto* listing = app.get_subcommand("list");
      listing->add_option("--state", o->state, "only runs in this state");
      listing->add_option("--workflow", o->workflow, "only runs of workflows of this name");
      listing->add_option("--limit", o->limit, "at most so many")->capture_default_str();
      app.get_subcommand("show")->add_flag("--follow", o->follow,
                                           "print events as JSON lines as they come");
      auto* pruning = app.get_subcommand("prune");
      pruning->add_option("--older-than", o->older_than_days, "days since their end")
          ->capture_default_str();
      pruning->add_option("--keep", o->keep, "and all but the newest so many");
      auto* resuming = app.get_subcommand("resume");
      resuming->add_option("--timeout", o->timeout_s, "seconds, 1 to 3600");
      o->provider.add_to(*resuming);
      return [chosen] { return (*chosen)(); };
    }};

}  // namespace

}  // namespace graphbit::app
