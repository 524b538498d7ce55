#include "text_stream.hpp"

#include <mutex>

#include <graphbit/runtime/limits.hpp>

#include "error_translation.hpp"
#include "gil.hpp"
#include "handover.hpp"
#include "loop_bridge.hpp"
#include "response_conversion.hpp"
#include "signal_check.hpp"

namespace graphbit::python {

/// What both sides share: the chunks, and how much of them waits.
class text_stream::buffer {
 public:
  /// No text: the stream began anew.
  using chunk = std::optional<std::string>;
  using chunks_type = handover<chunk, expected<chat_response>>;

  /// Appends; false when the bound is reached and reading shall pause.
  bool append(std::vector<std::string>& deltas) {
    const std::lock_guard guard(mutex_);
    for (const std::string& delta : deltas) bytes_ += delta.size();
    const std::size_t count = chunks.append(deltas);
    paused_ = count >= limits::stream_chunks_max || bytes_ >= limits::stream_bytes_max;
    return !paused_;
  }

  void restart() {
    const std::lock_guard guard(mutex_);
    bytes_ = 0;
    chunks.replace_all(std::nullopt);
  }

  /// Takes all; `resume` says that a paused reader shall go on.
  chunks_type::condition take(std::vector<chunk>& taken, bool& resume) {
    const std::lock_guard guard(mutex_);
    bytes_ = 0;
    resume = std::exchange(paused_, false);
    return chunks.take(taken);
  }

  chunks_type chunks;

 private:
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  bool paused_ = false;
};

/// The reactor's side.
class text_stream::sink final : public chat_sink {
 public:
  sink(std::shared_ptr<buffer> b, std::shared_ptr<call_statistics> s)
      : buffer_(std::move(b)), statistics_(std::move(s)) {}

  bool on_text(std::vector<std::string>& deltas) override {
    return deltas.empty() || buffer_->append(deltas);
  }

  void on_restart() override { buffer_->restart(); }

  void on_done(expected<chat_response> result) override {
    statistics_->record(result);
    buffer_->chunks.end(std::move(result));
  }

 private:
  std::shared_ptr<buffer> buffer_;
  std::shared_ptr<call_statistics> statistics_;
};

text_stream::text_stream(std::shared_ptr<client_handle> handle, prepared_call call,
                         std::shared_ptr<call_statistics> statistics)
    : handle_(std::move(handle)),
      unsent_(std::move(call)),
      statistics_(std::move(statistics)),
      buffer_(std::make_shared<buffer>()) {}

text_stream::~text_stream() { stop_.request_stop(); }

void text_stream::start() {
  if (!unsent_) return;
  const opened_client opened = handle_->open();
  prepared_call call = std::move(*unsent_);
  unsent_.reset();
  call.options.stop = stop_.get_token();
  call_id_ = opened.client.submit(std::move(call.request), std::move(call.options),
                                  std::make_unique<sink>(buffer_, statistics_), true);
}

py::object text_stream::take() {
  if (closed_) return py::list();
  start();
  std::vector<buffer::chunk> chunks;
  bool resume = false;
  const auto condition = buffer_->take(chunks, resume);
  if (resume && handle_->peek()) handle_->peek().resume(call_id_);
  if (condition == buffer::chunks_type::condition::empty) return py::none();
  if (condition == buffer::chunks_type::condition::ended) {
    closed_ = ended_ = true;
    if (const auto& result = buffer_->chunks.ending(); !result) raise(result.error());
  }
  py::list texts(chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i)
    texts[i] = chunks[i] ? text_object(*chunks[i]) : py::none();
  return texts;
}

py::object text_stream::wait_async() {
  auto [future, where] = loop_bridge::running().begin();
  buffer_->chunks.notify(std::move(where));
  return future;
}

void text_stream::wait() {
  const bool interrupted = without_gil([&] {
    while (!buffer_->chunks.wait_for(milliseconds(50)))
      if (signal_raised()) return true;
    return false;
  });
  if (interrupted) throw py::error_already_set();
}

void text_stream::close() {
  closed_ = true;
  unsent_.reset();
  stop_.request_stop();
}

py::object text_stream::response() const {
  if (!ended_ || !buffer_->chunks.ending()) return py::none();
  return response_object(*buffer_->chunks.ending());
}

}  // namespace graphbit::python
