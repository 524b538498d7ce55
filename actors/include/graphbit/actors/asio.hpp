#pragma once

/// Calls as Asio operations: an optional header, which brings Boost.Asio in.
///
/// Each takes any completion token (`boost::asio::use_awaitable`, `use_future`, a callback) and
/// completes on the token's associated executor, through `post`. With Boost 1.77 and newer the
/// token's cancellation slot cancels the call (where `options.stop` is not given); with any version
/// `options.stop` does.
///
/// With g++ before 13, give `options` a name in a `co_await` expression: braces inside it make
/// temporaries that are destroyed twice (GCC bug 99576).

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>  // before Asio: Boost 1.74's awaitable.hpp uses std::exchange without it

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/version.hpp>
#if BOOST_VERSION >= 107700
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#endif

#include <graphbit/actors/completions.hpp>

namespace graphbit {

/// Takes an Asio handler from the reactor's thread to its own executor, once.
template <class Handler>
class asio_return {
 public:
  /// Where the handler wants to be called.
  using executor_type = boost::asio::associated_executor_t<Handler>;

  /// Keeps the handler's executor busy until the answer is there.
  explicit asio_return(Handler handler)
      : work_(boost::asio::get_associated_executor(handler)), handler_(std::move(handler)) {}

  /// Calls the handler with `result`, on its executor.
  template <class Result>
  static void complete(std::shared_ptr<asio_return> self, Result result) {
    const auto executor = self->work_.get_executor();
    boost::asio::post(executor, [self = std::move(self), result = std::move(result)]() mutable {
      self->forget_cancellation();
      auto handler = std::move(self->handler_);
      self.reset();
      handler(std::move(result));
    });
  }

  /// Calls `cancel` when the handler's cancellation slot is used, where Boost has slots.
  template <class Cancel>
  void on_cancellation(Cancel cancel) {
#if BOOST_VERSION >= 107700
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected())
      slot.assign([cancel = std::move(cancel)](boost::asio::cancellation_type) { cancel(); });
#else
    static_cast<void>(cancel);
#endif
  }

  /// Cancelling stops what `options` are for, unless their caller brought a stop token.
  template <class Options>
  void let_cancellation_stop(Options& options) {
    if (options.stop.stop_possible()) return;
    std::stop_source stop;
    options.stop = stop.get_token();
    on_cancellation([stop]() mutable { stop.request_stop(); });
  }

 private:
  void forget_cancellation() {
#if BOOST_VERSION >= 107700
    auto slot = boost::asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected()) slot.clear();
#endif
  }

  boost::asio::executor_work_guard<executor_type> work_;
  Handler handler_;
};

/// One completion. Signature of the token: `void(expected<completion>)`.
template <class Token>
auto async_complete(const provider_client& client, chat_request request, call_options options,
                    Token&& token) {
  return boost::asio::async_initiate<Token, void(expected<completion>)>(
      [](auto handler, const provider_client& to, chat_request asked, call_options how) {
        using returning = asio_return<std::decay_t<decltype(handler)>>;
        const auto back = std::make_shared<returning>(std::move(handler));
        back->let_cancellation_stop(how);
        start_completion(to, std::move(asked), std::move(how), [back](expected<completion> result) {
          returning::complete(back, std::move(result));
        });
      },
      token, client, std::move(request), std::move(options));
}

/// The same with the default options.
template <class Token>
auto async_complete(const provider_client& client, chat_request request, Token&& token) {
  return async_complete(client, std::move(request), call_options{}, std::forward<Token>(token));
}

/// The next text of a stream; nothing at its end. Signature: `void(std::optional<std::string>)`.
/// Precondition: `stream` stays alive and in its place until then; no other read is under way.
/// Cancelling it cancels the stream's call.
template <class Token>
auto async_next(completion_stream& stream, Token&& token) {
  return boost::asio::async_initiate<Token, void(std::optional<std::string>)>(
      [](auto handler, completion_stream* from) {
        using returning = asio_return<std::decay_t<decltype(handler)>>;
        const auto back = std::make_shared<returning>(std::move(handler));
        back->on_cancellation([from] { from->cancel(); });
        from->when_ready([back, from] {
          std::string text;
          std::optional<std::string> next;
          if (from->try_next(text) == completion_stream::state::text) next = std::move(text);
          returning::complete(back, std::move(next));
        });
      },
      token, &stream);
}

/// One run of a workflow. Signature of the token: `void(expected<run_result>)`; errors as
/// `executor::execute` gives them.
template <class Token>
auto async_execute(const executor& on, workflow flow, run_options options, Token&& token) {
  return boost::asio::async_initiate<Token, void(expected<run_result>)>(
      [](auto handler, const executor& runs, workflow what, run_options how) {
        using returning = asio_return<std::decay_t<decltype(handler)>>;
        const auto back = std::make_shared<returning>(std::move(handler));
        back->let_cancellation_stop(how);
        const auto accepted =
            runs.run(std::move(what), std::move(how), [back](const run_result& result) {
              expected<run_result> value = result;
              if (result.raised()) value = fail(*result.raised());
              returning::complete(back, std::move(value));
            });
        if (!accepted) returning::complete(back, expected<run_result>(fail(accepted.error())));
      },
      token, on, std::move(flow), std::move(options));
}
/// The same with the default options.
template <class Token>
auto async_execute(const executor& on, workflow flow, Token&& token) {
  return async_execute(on, std::move(flow), run_options{}, std::forward<Token>(token));
}

}  // namespace graphbit
