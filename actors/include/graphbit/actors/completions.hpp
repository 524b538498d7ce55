#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include <graphbit/actors/executor.hpp>
#include <graphbit/actors/provider_client.hpp>

/// How a C++ service asks: by callback, by std::future, by a stream of texts. The same on an Asio
/// executor is in asio.hpp, by CAF messages in actor_interfaces.hpp.
namespace graphbit {

/// The answer of one completed call.
using completion = chat_response;

/// The request with one message of the user's.
[[nodiscard]] chat_request ask(std::string prompt, std::string system_prompt = {});

/// One call under way. A value; dropping it changes nothing. Any thread.
class call_handle {
 public:
  call_handle() = default;
  /// Of the call `id` of `client`.
  call_handle(provider_client client, std::uint64_t id) : client_(std::move(client)), id_(id) {}
  /// Closes the call's socket at once; the call ends with a cancelled error. Nothing when it has
  /// ended already.
  void cancel() const {
    if (client_) client_.cancel(id_);
  }
  /// As `provider_client::submit` gave it.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

 private:
  provider_client client_;
  std::uint64_t id_ = 0;
};

/// Gets the answer, once, on a reactor's thread. Must not block and must not throw.
using completion_callback = std::function<void(expected<completion>)>;
/// As `completion_callback`.
using embedding_callback = std::function<void(expected<embedding_response>)>;

/// Starts a call; `done` is called exactly once, on a reactor's thread (after the runtime's end: in
/// this call). It must not block; what it throws is logged and dropped.
call_handle start_completion(const provider_client& client, chat_request request,
                             call_options options, completion_callback done);
/// The same for embeddings.
call_handle start_embedding(const provider_client& client, embedding_request request,
                            call_options options, embedding_callback done);

/// Starts a call only if it can be sent now: it never queues. Error, with `done` not called:
/// Network while the circuit breaker is open, ResourceExhausted{in_flight} when every slot is
/// taken. If a slot, the rate or a connection turns out to be taken a moment later, `done` gets a
/// ResourceExhausted error.
[[nodiscard]] expected<call_handle> try_complete(const provider_client& client,
                                                 chat_request request, call_options options,
                                                 completion_callback done);

/// The same as futures. A future that is dropped neither waits nor cancels; to cancel, give
/// `options.stop`. Do not wait for one on a reactor's thread.
[[nodiscard]] std::future<expected<completion>> completion_future(const provider_client& client,
                                                                  chat_request request,
                                                                  call_options options = {});
/// The same for embeddings.
[[nodiscard]] std::future<expected<embedding_response>> embedding_future(
    const provider_client& client, embedding_request request, call_options options = {});
/// The result as `executor::execute` gives it.
[[nodiscard]] std::future<expected<run_result>> run_future(const executor& on, workflow flow,
                                                           run_options options = {});

/// A streamed answer as a generator of texts, with backpressure.
///
/// Problem: a reader that is slower than its provider must neither lose text nor pile it up. The
/// stream keeps at most limits::stream_chunks_max pieces or limits::stream_bytes_max bytes; past
/// that the socket is not read until half of it was taken.
///
/// Read it by `next` (waits), by `co_await stream.next_text()` in any coroutine, by `async_next` of
/// asio.hpp, or by `when_ready` and `try_next`. One reader at a time. After the last text, `result`
/// has the whole answer, or the error and in it what came before.
///
/// Lifecycle: `open` sends the request; destroying an unfinished stream cancels the call. Movable.
/// Threads: any, one at a time; `cancel` at any time.
class completion_stream {
 public:
  /// What `next` found.
  enum class state : std::uint8_t { waiting, text, ended };

  /// Starts the call.
  [[nodiscard]] static completion_stream open(const provider_client& client, chat_request request,
                                              call_options options = {});
  /// The other is at its end.
  completion_stream(completion_stream&&) noexcept = default;
  /// Cancels its own call and takes the other's.
  completion_stream& operator=(completion_stream&&) noexcept;
  ~completion_stream();

  /// Waits for the next piece of text; nothing at the end. Not on a reactor's thread.
  [[nodiscard]] std::optional<std::string> next();
  /// Takes what is there without waiting: `text` fills `out`.
  [[nodiscard]] state try_next(std::string& out);
  /// Calls `ready` once, as soon as `try_next` gives text or the end: now, or on a reactor's
  /// thread.
  void when_ready(std::function<void()> ready);

  /// What `co_await` takes: gives the next piece of text, nothing at the end. The coroutine goes on
  /// on the reactor's thread, where it must not block.
  class text_awaiter;
  /// For `co_await`: the next piece of text, or nothing at the end.
  [[nodiscard]] text_awaiter next_text() noexcept;

  /// How often the stream began anew (stream_failure::restart): what came before is void.
  [[nodiscard]] std::uint32_t restarts() const;
  /// The whole answer or the error. Precondition: the end was reached.
  [[nodiscard]] expected<completion> result() const;
  /// The stream ends with a cancelled error.
  void cancel() const;

 private:
  class buffer;
  completion_stream(provider_client client, std::shared_ptr<buffer> shared, std::uint64_t id);
  void let_go();

  provider_client client_;
  std::shared_ptr<buffer> buffer_;
  std::uint64_t id_ = 0;
};

/// What `co_await stream.next_text()` waits on.
class completion_stream::text_awaiter {
 public:
  ///@{
  /// For the language.
  explicit text_awaiter(completion_stream& of) noexcept : of_(of) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    of_.when_ready([waiting] { waiting.resume(); });
  }
  [[nodiscard]] std::optional<std::string> await_resume() {
    std::string text;
    if (of_.try_next(text) == state::text) return text;
    return std::nullopt;
  }
  ///@}

 private:
  completion_stream& of_;
};

inline completion_stream::text_awaiter completion_stream::next_text() noexcept {
  return text_awaiter(*this);
}

/// What `co_await answer(client, request)` takes: the answer of one call. The coroutine goes on on
/// the reactor's thread, where it must not block.
class completion_awaiter {
 public:
  ///@{
  /// For the language.
  completion_awaiter(provider_client client, chat_request request, call_options options)
      : client_(std::move(client)), request_(std::move(request)), options_(std::move(options)) {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    // The coroutine, and this with it, may be gone before start_completion returns.
    const auto client = client_;
    start_completion(client, std::move(request_), std::move(options_),
                     [this, waiting](expected<completion> result) {
                       result_ = std::move(result);
                       waiting.resume();
                     });
  }
  [[nodiscard]] expected<completion> await_resume() { return std::move(result_); }
  ///@}

 private:
  provider_client client_;
  chat_request request_;
  call_options options_;
  expected<completion> result_;
};

///
/// With g++ before 13, give `options` a name: braces inside a `co_await` expression make
/// temporaries that are destroyed twice (GCC bug 99576).
[[nodiscard]] inline completion_awaiter answer(const provider_client& client, chat_request request,
                                               call_options options) {
  return {client, std::move(request), std::move(options)};
}
/// The same with the default options.
[[nodiscard]] inline completion_awaiter answer(const provider_client& client,
                                               chat_request request) {
  return answer(client, std::move(request), call_options{});
}

}  // namespace graphbit
