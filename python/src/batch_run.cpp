#include "batch_run.hpp"

#include <condition_variable>
#include <utility>
#include <vector>

#include <graphbit/cluster/sqlite_batch_journal.hpp>

#include "error_translation.hpp"
#include "gil.hpp"
#include "loop_bridge.hpp"
#include "response_conversion.hpp"
#include "signal_check.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

// Finished lines that may wait for their taker; past it the job waits too.
constexpr std::size_t untaken_max = 4096;

py::list embeddings_object(const embedding_response& response) {
  py::list vectors(response.vectors.size());
  for (std::size_t i = 0; i < response.vectors.size(); ++i) {
    const auto& from = response.vectors[i];
    py::list to(from.size());
    for (std::size_t k = 0; k < from.size(); ++k) to[k] = py::float_(static_cast<double>(from[k]));
    vectors[i] = std::move(to);
  }
  return vectors;
}

py::tuple line_object(const batch_job_line& line) {
  py::object response = py::none();
  py::object failure = py::none();
  py::object kept = py::none();
  if (line.resumed)
    kept = text_object(line.output);
  else if (!line.outcome.result)
    failure = exception_from(line.outcome.result.error());
  else if (const auto* chat = std::get_if<chat_response>(&*line.outcome.result))
    response = response_object(*chat);
  else
    response = embeddings_object(std::get<embedding_response>(*line.outcome.result));
  return py::make_tuple(line.index, text_object(line.custom_id), response, failure,
                        static_cast<double>(line.outcome.latency_us) / 1000, kept);
}

}  // namespace

// Between the job's thread, which brings finished lines, and Python, which takes them.
class batch_run::outlet {
 public:
  void bring(batch_job_line line) {
    std::unique_lock guard(mutex_);
    taken_.wait(guard, [this] { return untaken_ < untaken_max || open_wide_; });
    ++untaken_;
    guard.unlock();
    lines.append(std::move(line));
  }

  lines_type::condition take(std::vector<batch_job_line>& out) {
    const auto condition = lines.take(out);
    const std::lock_guard guard(mutex_);
    untaken_ -= out.size();
    taken_.notify_all();
    return condition;
  }

  /// Nobody takes any more: the job must not wait for it.
  void open_wide() {
    const std::lock_guard guard(mutex_);
    open_wide_ = true;
    taken_.notify_all();
  }

  lines_type lines;

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::size_t untaken_ = 0;
  bool open_wide_ = false;
};

batch_run::batch_run(const opened_client& opened, settings s)
    : home_(opened.home), outlet_(std::make_shared<outlet>()) {
  std::unique_ptr<batch_journal> journal;
  if (!s.journal_path.empty())
    journal =
        unwrap(without_gil([&] { return open_sqlite_batch_journal(s.journal_path, s.arguments); }));
  const auto outlet = outlet_;
  job_ = unwrap(batch_job::start(
      *home_, opened.client, s.job, std::move(journal),
      [outlet](batch_job_line line) { outlet->bring(std::move(line)); },
      [outlet](expected<void> how) { outlet->lines.end(std::move(how)); }));
}

batch_run::~batch_run() { finish(); }

void batch_run::add(py::handle line) {
  if (!job_) raise(runtime_error("run_batch", "the runtime was shut down"));
  auto text = PyBytes_Check(line.ptr()) ? line.cast<std::string>() : text_argument(line, "line");
  const auto job = job_;
  unwrap(without_gil([&] { return job->add(std::move(text)); }));
}

void batch_run::close() {
  if (job_) job_->close();
}

void batch_run::cancel() {
  outlet_->open_wide();
  if (job_) job_->cancel();
}

py::object batch_run::take() {
  std::vector<batch_job_line> lines;
  const auto condition = outlet_->take(lines);
  if (condition == lines_type::condition::empty) return py::none();
  if (condition == lines_type::condition::ended) unwrap(outlet_->lines.ending());
  py::list objects(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) objects[i] = line_object(lines[i]);
  return objects;
}

void batch_run::wait() {
  const bool interrupted = without_gil([&] {
    while (!outlet_->lines.wait_for(milliseconds(50)))
      if (signal_raised()) return true;
    return false;
  });
  if (interrupted) throw py::error_already_set();
}

py::object batch_run::wait_async() {
  auto [future, where] = loop_bridge::running().begin();
  outlet_->lines.notify(std::move(where));
  return future;
}

py::dict batch_run::progress() const {
  py::dict shown;
  if (!job_) return shown;
  const auto p = job_->progress();
  shown["read"] = p.read;
  shown["resumed"] = p.resumed;
  shown["succeeded"] = p.succeeded;
  shown["failed"] = p.failed;
  shown["not_started"] = p.not_started;
  shown["attempts"] = p.attempts;
  shown["prompt_tokens"] = p.prompt_tokens;
  shown["completion_tokens"] = p.completion_tokens;
  shown["cost"] = p.cost;
  shown["in_flight"] = p.in_flight;
  shown["paused"] = p.provider != breaker_state::closed;
  return shown;
}

void batch_run::finish() {
  if (!job_) return;
  cancel();
  without_gil([this] {
    job_->stop();  // joins its thread, which needs no GIL
    job_.reset();
    home_.reset();
    return 0;
  });
}

void batch_run::release_handles() { finish(); }

void batch_run::leak_handles() noexcept {
  static_cast<void>(new std::shared_ptr<batch_job>(std::move(job_)));
  static_cast<void>(new std::shared_ptr<runtime>(std::move(home_)));
}

void bind_batch_run(py::module_& module) {
  py::class_<batch_run>(module, "BatchRun")
      .def("add", &batch_run::add)
      .def("close", &batch_run::close)
      .def("cancel", &batch_run::cancel)
      .def("release", &batch_run::finish)
      .def("take", &batch_run::take)
      .def("wait", &batch_run::wait)
      .def("wait_async", &batch_run::wait_async)
      .def("progress", &batch_run::progress);
}

}  // namespace graphbit::python
