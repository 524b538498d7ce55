#include "job_runner.hpp"

#include <utility>

#include <graphbit/runtime/blocking_pool.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "src/wire/credentials.hpp"

namespace graphbit::cluster {

namespace {

template <class Response>
void put_end(job_events& events, job_id job, expected<Response> result) {
  if (result)
    events.put(job_ended{job, std::move(*result)});
  else
    events.put(job_ended{job, std::move(result.error())});
}

class job_sink final : public chat_sink {
 public:
  job_sink(job_id job, std::shared_ptr<job_events> events,
           std::shared_ptr<std::atomic<bool>> paused)
      : job_(job), events_(std::move(events)), paused_(std::move(paused)) {}
  bool on_text(std::vector<std::string>& deltas) override {
    if (!deltas.empty()) events_->put(job_text{job_, std::move(deltas)});
    deltas.clear();
    return !paused_->load(std::memory_order_acquire);
  }
  void on_restart() override { events_->put(job_restarted{job_}); }
  void on_done(expected<chat_response> result) override {
    put_end(*events_, job_, std::move(result));
  }

 private:
  job_id job_;
  std::shared_ptr<job_events> events_;
  std::shared_ptr<std::atomic<bool>> paused_;
};

class embedding_job_sink final : public embedding_sink {
 public:
  embedding_job_sink(job_id job, std::shared_ptr<job_events> events)
      : job_(job), events_(std::move(events)) {}
  void on_done(expected<embedding_response> result) override {
    put_end(*events_, job_, std::move(result));
  }

 private:
  job_id job_;
  std::shared_ptr<job_events> events_;
};

[[nodiscard]] call_options local_options(const work_item& item) {
  auto options = item.options;
  if (item.deadline_in.count() >= 0) options.deadline_at = steady_clock::now() + item.deadline_in;
  return options;
}

// Exceptions of foreign code end here.
[[nodiscard]] work_result run(const callable& f, const std::string& arguments) {
  const auto parsed = parse_json(arguments);
  if (!parsed) return parsed.error();
  try {
    auto value = f.call(*parsed);
    if (!value) return std::move(value.error());
    return function_value{to_json(*value)};
  } catch (const std::exception& e) {
    return core_error("the function " + f.name + " threw: " + e.what());
  }
}

}  // namespace

job_runner::job_runner(runtime& rt, std::vector<callable> callables,
                       std::shared_ptr<job_events> events)
    : rt_(rt), events_(std::move(events)) {
  for (auto& c : callables) {
    const std::string name = c.name;
    callables_[name] = std::make_shared<const callable>(std::move(c));
  }
}

void job_runner::start(job_id job, const work_item& item, const configuration* config,
                       const std::shared_ptr<limit_authority>& limits) {
  if (const auto* call = std::get_if<function_call>(item.request.get()))
    call_function(job, *call);
  else
    call_model(job, item, *config, limits);
}

void job_runner::call_model(job_id job, const work_item& item, const configuration& config,
                            const std::shared_ptr<limit_authority>& limits) {
  auto client =
      open_sharing(rt_, config.with_key ? config.config : with_own_key(config.config), limits);
  if (!client) return events_->put(job_ended{job, std::move(client.error())});
  auto paused = std::make_shared<std::atomic<bool>>(false);
  auto& running = calls_[job] = {std::move(*client), 0, paused};
  if (const auto* chat = std::get_if<chat_request>(item.request.get()))
    running.call = running.client.submit(
        *chat, local_options(item), std::make_unique<job_sink>(job, events_, paused), item.stream);
  else
    running.call =
        running.client.submit(std::get<embedding_request>(*item.request), local_options(item),
                              std::make_unique<embedding_job_sink>(job, events_));
}

void job_runner::call_function(job_id job, const function_call& call) {
  const auto found = callables_.find(call.name);
  if (found == callables_.end())
    return events_->put(job_ended{
        job, configuration_error("callable", "this member has no function " + call.name)});
  const auto queued = rt_.blocking().submit([f = found->second, call, job, events = events_] {
    events->put(job_ended{job, run(*f, call.arguments)});
  });
  if (!queued) events_->put(job_ended{job, queued.error()});
}

void job_runner::stop(job_id job) {
  const auto found = calls_.find(job);
  if (found == calls_.end()) return;
  found->second.paused->store(false, std::memory_order_release);
  found->second.client.cancel(found->second.call);
}

void job_runner::set_paused(job_id job, bool paused) {
  if (const auto found = calls_.find(job); found != calls_.end())
    found->second.paused->store(paused, std::memory_order_release);
}

void job_runner::resume(job_id job) {
  const auto found = calls_.find(job);
  if (found == calls_.end()) return;
  found->second.paused->store(false, std::memory_order_release);
  found->second.client.resume(found->second.call);
}

void job_runner::forget(job_id job) { calls_.erase(job); }

}  // namespace graphbit::cluster
