// graphbit batch: a file of requests in OpenAI's batch form, answered by any provider.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <graphbit/actors/batch_job.hpp>
#include <graphbit/cluster/sqlite_batch_journal.hpp>
#include <graphbit/net/price_table.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "batch_input_check.hpp"
#include "batch_progress.hpp"
#include "cluster_options.hpp"
#include "command.hpp"
#include "interrupt.hpp"
#include "limits_option.hpp"
#include "line_reader.hpp"
#include "observation_options.hpp"
#include "provider_options.hpp"

namespace graphbit::app {

namespace {

struct batch_command_options {
  provider_options provider;
  cluster_options cluster;
  observation_options observation;
  limits_option limits;
  std::string input;
  std::string output;
  std::string errors;
  std::string journal;
  bool retry_failed = false;
  bool json = false;
  bool quiet = false;
  double max_pause_s = 3600;
  std::optional<double> max_cost;
  std::optional<std::uint64_t> max_total_tokens;
  std::string prices;
};

// What must be the same for a journal to be continued. Limits may change between runs.
[[nodiscard]] std::string arguments_text(const batch_command_options& o, const provider_config& c) {
  return "provider=" + c.provider + " base_url=" + c.base_url + " model=" + c.model +
         " output=" + o.output;
}

[[nodiscard]] int give_up(const error& e) {
  return complain(describe(e),
                  e.kind == error_kind::validation && e.field == "provider" ? wrong_usage : failed);
}

void print_summary(const batch_job_progress& p, double seconds_taken) {
  json_value out;
  const auto number = [&](const char* name, std::uint64_t n) { out.set(name, n); };
  number("lines", p.read);
  number("resumed", p.resumed);
  number("succeeded", p.succeeded);
  number("failed", p.failed);
  number("not_started", p.not_started);
  number("attempts", p.attempts);
  number("prompt_tokens", p.prompt_tokens);
  number("completion_tokens", p.completion_tokens);
  out.set("cost", p.cost);
  out.set("seconds", seconds_taken);
  std::printf("%s\n", to_json(out).c_str());
}

// The price table of this run: the built-in one, with the file's entries over it.
expected<void> use_prices(runtime& rt, const std::string& path) {
  if (path.empty()) return {};
  auto table = price_table::built_in();
  if (auto read = table.add_file(path); !read) return read;
  rt.service<price_book>()->replace(std::move(table));
  return {};
}

// Feeds the job from the file. False: it ended early (a signal, or the job said why).
expected<bool> feed(batch_job& job, line_reader& reader) {
  std::string line;
  while (!interrupt::came()) {
    const auto more = reader.next(line);
    if (!more) return fail(more.error());
    if (!*more) return !interrupt::came();
    if (auto added = job.add(std::move(line)); !added) return fail(added.error());
  }
  return false;
}

// What is ready before anything is sent.
struct prepared_batch {
  provider_config config;
  std::optional<std::uint64_t> lines;  // not known of a pipe
  line_reader reader;
  std::unique_ptr<batch_journal> journal;
};

expected<prepared_batch> prepare(const batch_command_options& o) {
  auto config = o.provider.config();
  if (!config) return fail(config.error());
  auto resolved = resolve(std::move(*config));
  if (!resolved) return fail(resolved.error());
  const auto lines = check_batch_input(o.input);
  if (!lines) return fail(lines.error());
  auto reader = line_reader::open(o.input);
  if (!reader) return fail(reader.error());
  auto journal = open_sqlite_batch_journal(o.journal, arguments_text(o, *resolved));
  if (!journal) return fail(journal.error());
  return prepared_batch{std::move(*resolved), *lines, std::move(*reader), std::move(*journal)};
}

// The client keeps its cluster.
expected<provider_client> open_client(runtime& rt, const batch_command_options& o,
                                      const provider_config& config) {
  if (!o.cluster.given()) return provider_client::open(rt, config);
  const auto members = o.cluster.own(rt);
  if (!members) return fail(members.error());
  return members->client(config);
}

expected<std::unique_ptr<batch_job>> start_job(runtime& rt, const batch_command_options& o,
                                               prepared_batch& prepared) {
  if (auto ok = use_prices(rt, o.prices); !ok) return fail(ok.error());
  auto client = open_client(rt, o, prepared.config);
  if (!client) return fail(client.error());
  batch_job_options options;
  options.retry_failed = o.retry_failed;
  options.batch.pause_max = milliseconds{static_cast<std::int64_t>(o.max_pause_s * 1000)};
  options.batch.max_cost = o.max_cost;
  options.batch.max_total_tokens = o.max_total_tokens;
  return batch_job::start(rt, *client, options, std::move(prepared.journal), {});
}

// Feeds the job and waits for its end, telling how far it is.
expected<void> drive(batch_job& job, line_reader& reader, batch_progress& progress) {
  std::atomic<bool> over{false};
  std::thread watcher([&] {  // redraws while the feeding thread waits for room
    while (!over) {
      progress.show(job.progress());
      std::this_thread::sleep_for(milliseconds{100});
      if (interrupt::came()) job.cancel();
    }
  });
  const auto fed = feed(job, reader);
  if (fed && *fed)
    job.close();
  else
    job.cancel();
  const auto ended = job.wait();
  over = true;
  watcher.join();
  progress.finish(job.progress());
  if (!fed) return fail(fed.error());
  if (!ended) return fail(ended.error());
  return {};
}

// Errors of single lines do not make the command fail: they are told, and have a file of their own.
int write_results(std::unique_ptr<batch_job> job, const batch_command_options& o,
                  bool own_journal) {
  const auto failed_lines = job->write_outputs(o.output, o.errors);
  if (!failed_lines) return give_up(failed_lines.error());
  job.reset();  // closes the journal
  if (*failed_lines > 0)
    std::fprintf(stderr, "%llu lines failed: see %s; --retry-failed sends them again\n",
                 static_cast<unsigned long long>(*failed_lines), o.errors.c_str());
  else if (own_journal)  // nothing is left to resume or to retry
    std::remove(o.journal.c_str());
  return done;
}

int run_batch(batch_command_options o) {
  if (o.errors.empty()) o.errors = o.output + ".errors";
  const bool own_journal = o.journal.empty();
  if (own_journal) o.journal = o.output + ".journal";
  const auto go_on =
      "; what is finished is kept in " + o.journal + ": run the same command again to go on";

  const interrupt signals;
  auto prepared = prepare(o);
  if (!prepared) return give_up(prepared.error());
  runtime rt;
  const auto observed = o.observation.start(rt);
  if (!observed) return give_up(observed.error());
  if (auto shared = o.limits.apply_to(rt); !shared) return give_up(shared.error());
  const auto started_at = steady_clock::now();
  auto job = start_job(rt, o, *prepared);
  if (!job) return give_up(job.error());
  batch_progress progress(o.quiet, prepared->lines);
  const auto ended = drive(**job, prepared->reader, progress);
  if (o.json)
    print_summary((*job)->progress(),
                  std::chrono::duration<double>(steady_clock::now() - started_at).count());
  if (interrupt::came()) return complain("interrupted" + go_on, interrupted);
  if (!ended) {
    auto why = ended.error();
    why.message += go_on;
    return give_up(why);
  }
  return write_results(std::move(*job), o, own_journal);
}

const command registered{
    "batch",
    "answer a file of requests (OpenAI batch format), paused by outages, resumed after crashes",
    [](CLI::App& app) {
      auto o = std::make_shared<batch_command_options>();
      app.add_option("input", o->input, "requests, one JSON object per line; - for standard input")
          ->required();
      app.add_option("-o,--output", o->output, "results, in the order of the input")->required();
      app.add_option("--errors", o->errors, "failed lines (default: OUTPUT.errors)");
      app.add_option(
          "--journal", o->journal,
          "what is finished, for resuming (default: OUTPUT.journal, removed when all lines "
          "have succeeded)");
      app.add_flag("--retry-failed", o->retry_failed, "send only the lines that failed before");
      app.add_option("--max-pause", o->max_pause_s, "seconds that an outage may pause a line")
          ->capture_default_str();
      app.add_option("--max-cost", o->max_cost,
                     "stop once the answers have cost so many US dollars")
          ->check(CLI::PositiveNumber);
      app.add_option("--max-total-tokens", o->max_total_tokens,
                     "stop once the answers have used so many tokens")
          ->check(CLI::PositiveNumber);
      app.add_option("--prices", o->prices,
                     "JSON file of prices per million tokens, over the built-in list");
      app.add_flag("--json", o->json, "print a summary as JSON");
      app.add_flag("-q,--quiet", o->quiet, "no progress");
      o->provider.add_to(app);
      o->cluster.add_to(app, "--cluster");
      o->observation.add_to(app);
      o->limits.add_to(app);
      return [o] { return run_batch(*o); };
    }};

}  // namespace

}  // namespace graphbit::app
