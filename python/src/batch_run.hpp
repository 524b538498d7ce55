#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <mutex>
#include <string>

#include <graphbit/actors/batch_job.hpp>

#include "client_handle.hpp"
#include "handover.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// A batch job as Python sees it: lines go in on one thread, outcomes come out on another.
///
/// Lifecycle: `add` each line (it waits for room, without the GIL), `close`; `take` outcomes until
/// it gives an empty list. It ends with the runtime: lines that are not done are kept for the next
/// run by the journal. Threads: one source, one taker; everything public needs the GIL.
class batch_run final : public runtime_user {
 public:
  struct settings {
    std::string journal_path;  ///< empty: nothing is kept
    std::string arguments;     ///< what must be the same for a journal to be continued
    batch_job_options job;
  };

  /// Raises what opening the client or the journal gives.
  batch_run(const opened_client& client, settings s);
  ~batch_run() override;

  /// Raises what ended the job early.
  void add(py::handle line);
  void close();
  void cancel();
  /// Cancels what is left, waits for it and closes the journal.
  void finish();
  /// Tuples (index, custom_id, response or None, exception or None, latency_ms, resumed output or
  /// None); None: wait first; an empty list: the end. Raises what ended the job early.
  [[nodiscard]] py::object take();
  void wait();
  [[nodiscard]] py::object wait_async();
  [[nodiscard]] py::dict progress() const;

  void release_handles() override;
  void leak_handles() noexcept override;

 private:
  using lines_type = handover<batch_job_line, expected<void>>;
  class outlet;

  std::shared_ptr<runtime> home_;
  std::shared_ptr<outlet> outlet_;
  std::shared_ptr<batch_job> job_;
};

/// Registers `graphbit._core.BatchRun`.
void bind_batch_run(py::module_& module);

}  // namespace graphbit::python
