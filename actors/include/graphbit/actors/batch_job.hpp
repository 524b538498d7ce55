#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <graphbit/actors/batch.hpp>
#include <graphbit/actors/batch_journal.hpp>

namespace graphbit {

/// How lines are treated.
struct batch_job_options {
  batch_options batch;        ///< as of any batch
  bool retry_failed = false;  ///< send kept lines that failed once more
};

/// How far a job is; cheap to ask for, any thread.
struct batch_job_progress {
  std::uint64_t read = 0;     ///< lines taken from the source
  std::uint64_t resumed = 0;  ///< of these, finished in an earlier run
  /// In this run. Not started: cancelled, or met by what ended the batch; sent by the next run.
  std::uint64_t succeeded = 0;  ///< it belongs into the results
  std::uint64_t failed = 0;     ///< in this run
  std::uint64_t not_started =
      0;                       ///< cancelled, or met by what ended the batch; sent by the next run
  std::uint64_t attempts = 0;  ///< requests that were sent
  std::uint64_t prompt_tokens = 0;      ///< of all answers
  std::uint64_t completion_tokens = 0;  ///< of all answers
  double cost = 0;                      ///< US dollars, of the answers whose price is known
  std::uint64_t in_flight = 0;          ///< lines under way
  breaker_state provider = breaker_state::closed;  ///< `open`: an outage is waited out
};

/// One finished line.
struct batch_job_line {
  std::uint64_t index = 0;  ///< of the line in its source
  std::string custom_id;    ///< the caller's own name of it
  batch_outcome outcome;    ///< of a resumed line: `started` is false and `result` is not set
  bool resumed = false;     ///< finished in an earlier run
  std::string output;       ///< the line for the results or the errors file
  bool succeeded = false;   ///< it belongs into the results
};

/// A batch of lines in OpenAI's batch file form that survives a crash: lines go in, each is sent
/// at most once per journal, what is finished is kept in groups before anybody is told of it.
///
/// Problem: hours of paid answers must not hang on one process's life. The journal knows each
/// finished line by its place and fingerprint; a job that is started again with the same lines
/// skips them. Lines in flight when a process dies are sent again with the same idempotency key.
///
/// Threads: `add` and `close` by one source thread (add waits for room); the rest by any. Lines
/// are handed to `on_line` on the job's own thread. Memory is bounded by what is in flight.
class batch_job {
 public:
  /// Gets each finished line.
  using on_line = std::function<void(batch_job_line line)>;
  /// Told how the job ended: an error when it ended early.
  using on_end = std::function<void(expected<void> how)>;

  /// `journal` may be null: then nothing is kept. `tell` gets each finished line, `ended` comes
  /// last, both on the job's thread; both may be empty.
  [[nodiscard]] static expected<std::unique_ptr<batch_job>> start(
      runtime& rt, provider_client client, batch_job_options options,
      std::unique_ptr<batch_journal> journal, on_line tell, on_end ended = {});
  /// As `stop`.
  ~batch_job();
  batch_job(const batch_job&) = delete;
  batch_job& operator=(const batch_job&) = delete;

  /// Takes the next line; waits while there is no room. Errors, after which the job is over:
  /// Validation{field="line"} when a kept line has changed; what stopped the batch otherwise.
  [[nodiscard]] expected<void> add(std::string line);
  /// The source has no more lines. The job fails with Validation{field="line"} when the journal has
  /// lines past its end.
  void close();
  /// Cancels what is in flight; the rest is not started.
  void cancel();
  /// Cancels what still runs, waits for it and closes the journal.
  void stop();
  /// Waits until every line has its outcome kept. Asks `interrupted` every 50 ms; when it says
  /// true, the job is cancelled (what is finished is kept). The error is what stopped it early.
  [[nodiscard]] expected<batch_job_progress> wait(const std::function<bool()>& interrupted = {});
  /// A picture of now.
  [[nodiscard]] batch_job_progress progress() const;

  /// Writes the kept lines in the order of the input: beside the final name, then renamed. The
  /// errors file is only written when there are errors, an older one is removed when there are
  /// none. Precondition: a journal, and `wait` is over.
  [[nodiscard]] expected<std::uint64_t> write_outputs(const std::string& results_path,
                                                      const std::string& errors_path);

 private:
  class impl;
  explicit batch_job(std::shared_ptr<impl> p) : impl_(std::move(p)) {}
  std::shared_ptr<impl> impl_;
};

/// The fingerprint by which a journal recognises a line (64-bit FNV-1a).
[[nodiscard]] std::uint64_t line_fingerprint(std::string_view line) noexcept;

}  // namespace graphbit
