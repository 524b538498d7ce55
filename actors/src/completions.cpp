#include <graphbit/actors/completions.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include <graphbit/runtime/limits.hpp>

#include "src/empty_handle.hpp"

namespace graphbit {

namespace {

template <class Sink, class Response>
class callback_sink final : public Sink {
 public:
  explicit callback_sink(std::function<void(expected<Response>)> done) : done_(std::move(done)) {}
  void on_done(expected<Response> result) override {
    if (done_) done_(std::move(result));
  }

 private:
  std::function<void(expected<Response>)> done_;
};

using chat_callback_sink = callback_sink<chat_sink, chat_response>;
using embedding_callback_sink = callback_sink<embedding_sink, embedding_response>;

}  // namespace

chat_request ask(std::string prompt, std::string system_prompt) {
  chat_request request;
  if (!system_prompt.empty())
    request.messages.push_back({.role = chat_role::system, .text = std::move(system_prompt)});
  request.messages.push_back({.role = chat_role::user, .text = std::move(prompt)});
  return request;
}

call_handle start_completion(const provider_client& client, chat_request request,
                             call_options options, completion_callback done) {
  const auto id = client.submit(std::move(request), std::move(options),
                                std::make_unique<chat_callback_sink>(std::move(done)));
  return {client, id};
}

call_handle start_embedding(const provider_client& client, embedding_request request,
                            call_options options, embedding_callback done) {
  const auto id = client.submit(std::move(request), std::move(options),
                                std::make_unique<embedding_callback_sink>(std::move(done)));
  return {client, id};
}

expected<call_handle> try_complete(const provider_client& client, chat_request request,
                                   call_options options, completion_callback done) {
  const auto now = client.counters();
  if (now.breaker == breaker_state::open)
    return fail(network_error("Circuit breaker is open, request rejected"));
  if (now.waiting > 0 || (now.in_flight_max != 0 && now.in_flight >= now.in_flight_max))
    return fail(resource_error("in_flight",
                               "every slot of this provider client is taken; try again later, or "
                               "let the call wait by start_completion"));
  options.never_wait = true;
  return start_completion(client, std::move(request), std::move(options), std::move(done));
}

std::future<expected<completion>> completion_future(const provider_client& client,
                                                    chat_request request, call_options options) {
  auto promise = std::make_shared<std::promise<expected<completion>>>();
  auto future = promise->get_future();
  start_completion(client, std::move(request), std::move(options),
                   [promise](expected<completion> r) { promise->set_value(std::move(r)); });
  return future;
}

std::future<expected<embedding_response>> embedding_future(const provider_client& client,
                                                           embedding_request request,
                                                           call_options options) {
  auto promise = std::make_shared<std::promise<expected<embedding_response>>>();
  auto future = promise->get_future();
  start_embedding(client, std::move(request), std::move(options),
                  [promise](expected<embedding_response> r) { promise->set_value(std::move(r)); });
  return future;
}

std::future<expected<run_result>> run_future(const executor& on, workflow flow,
                                             run_options options) {
  auto promise = std::make_shared<std::promise<expected<run_result>>>();
  auto future = promise->get_future();
  const auto accepted =
      on.run(std::move(flow), std::move(options), [promise](const run_result& result) {
        if (result.raised())
          promise->set_value(fail(*result.raised()));
        else
          promise->set_value(result);
      });
  if (!accepted) promise->set_value(fail(accepted.error()));
  return future;
}

/// What the reactor fills and the reader empties.
class completion_stream::buffer {
 public:
  /// False: full, the socket is not to be read on.
  bool add(std::vector<std::string>& deltas) {
    std::function<void()> ready;
    bool room = true;
    {
      const std::lock_guard guard(mutex_);
      for (auto& delta : deltas) {
        bytes_ += delta.size();
        texts_.push_back(std::move(delta));
      }
      room = texts_.size() < limits::stream_chunks_max && bytes_ < limits::stream_bytes_max;
      paused_ = !room;
      if (!texts_.empty()) ready = std::exchange(ready_, nullptr);
      changed_.notify_all();
    }
    if (ready) ready();
    return room;
  }

  void restart() {
    const std::lock_guard guard(mutex_);
    texts_.clear();
    bytes_ = 0;
    ++restarts_;
  }

  void end(expected<completion> result) {
    std::function<void()> ready;
    {
      const std::lock_guard guard(mutex_);
      result_ = std::move(result);
      ready = std::exchange(ready_, nullptr);
      changed_.notify_all();
    }
    if (ready) ready();
  }

  state take(std::string& out, bool& read_on) {
    const std::lock_guard guard(mutex_);
    return take_locked(out, read_on);
  }

  state wait(std::string& out, bool& read_on) {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [this] { return result_ || !texts_.empty(); });
    return take_locked(out, read_on);
  }

  void when_ready(std::function<void()> ready) {
    {
      const std::lock_guard guard(mutex_);
      if (!result_ && texts_.empty()) {
        ready_ = std::move(ready);
        return;
      }
    }
    ready();
  }

  [[nodiscard]] bool ended() const {
    const std::lock_guard guard(mutex_);
    return result_.has_value();
  }
  [[nodiscard]] std::uint32_t restarts() const {
    const std::lock_guard guard(mutex_);
    return restarts_;
  }
  [[nodiscard]] expected<completion> result() const {
    const std::lock_guard guard(mutex_);
    if (!result_)
      return fail(runtime_error("stream", "the stream has not ended yet: read it to its end"));
    return *result_;
  }
  /// Nobody will read: what still comes is dropped, and nobody is told.
  void forget_reader() {
    std::function<void()> dropped;
    const std::lock_guard guard(mutex_);
    dropped = std::exchange(ready_, nullptr);
  }

 private:
  state take_locked(std::string& out, bool& read_on) {
    read_on = false;
    if (texts_.empty()) return result_ ? state::ended : state::waiting;
    out = std::move(texts_.front());
    texts_.pop_front();
    bytes_ -= out.size();
    if (paused_ && texts_.size() <= limits::stream_chunks_max / 2 &&
        bytes_ <= limits::stream_bytes_max / 2) {
      paused_ = false;
      read_on = true;
    }
    return state::text;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> texts_;
  std::size_t bytes_ = 0;
  bool paused_ = false;
  std::uint32_t restarts_ = 0;
  std::optional<expected<completion>> result_;
  std::function<void()> ready_;
};

completion_stream completion_stream::open(const provider_client& client, chat_request request,
                                          call_options options) {
  class filler final : public chat_sink {
   public:
    explicit filler(std::shared_ptr<buffer> into) : into_(std::move(into)) {}
    bool on_text(std::vector<std::string>& deltas) override { return into_->add(deltas); }
    void on_restart() override { into_->restart(); }
    void on_done(expected<chat_response> result) override { into_->end(std::move(result)); }

   private:
    std::shared_ptr<buffer> into_;
  };
  auto shared = std::make_shared<buffer>();
  const auto id =
      client.submit(std::move(request), std::move(options), std::make_unique<filler>(shared), true);
  return {client, std::move(shared), id};
}

completion_stream::completion_stream(provider_client client, std::shared_ptr<buffer> shared,
                                     std::uint64_t id)
    : client_(std::move(client)), buffer_(std::move(shared)), id_(id) {}

completion_stream& completion_stream::operator=(completion_stream&& other) noexcept {
  if (this == &other) return *this;
  let_go();
  client_ = std::move(other.client_);
  buffer_ = std::move(other.buffer_);
  id_ = other.id_;
  return *this;
}

completion_stream::~completion_stream() { let_go(); }

void completion_stream::let_go() {
  if (!buffer_) return;
  buffer_->forget_reader();
  if (!buffer_->ended()) cancel();
  buffer_.reset();
}

std::optional<std::string> completion_stream::next() {
  if (!buffer_) return std::nullopt;
  std::string text;
  bool read_on = false;
  const auto got = buffer_->wait(text, read_on);
  if (read_on) client_.resume(id_);
  if (got == state::text) return text;
  return std::nullopt;
}

completion_stream::state completion_stream::try_next(std::string& out) {
  if (!buffer_) return state::ended;
  bool read_on = false;
  const auto got = buffer_->take(out, read_on);
  if (read_on) client_.resume(id_);
  return got;
}

void completion_stream::when_ready(std::function<void()> ready) {
  if (!buffer_) return ready();
  buffer_->when_ready(std::move(ready));
}

std::uint32_t completion_stream::restarts() const { return buffer_ ? buffer_->restarts() : 0; }

expected<completion> completion_stream::result() const {
  if (!buffer_) return fail(never_opened("completion_stream"));
  return buffer_->result();
}

void completion_stream::cancel() const { client_.cancel(id_); }

}  // namespace graphbit
