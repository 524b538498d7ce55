#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <graphbit/actors/provider_client.hpp>

#include "call_arguments.hpp"
#include "call_statistics.hpp"
#include "client_handle.hpp"
#include "completion_queue.hpp"

namespace graphbit::python {

/// One streamed answer between the reactor that reads it and the Python code that takes it.
///
/// Lifecycle: nothing is sent before the first `take`; dropping the object closes the socket.
/// Threads: the reactor appends what one receive brought and wakes one waiter, an event loop or a
/// blocked thread; everything public needs the GIL. Past the buffer's bound the socket is not read.
class text_stream {
 public:
  text_stream(std::shared_ptr<client_handle> handle, prepared_call call,
              std::shared_ptr<call_statistics> statistics);
  ~text_stream();
  text_stream(const text_stream&) = delete;
  text_stream& operator=(const text_stream&) = delete;

  /// All chunks that are there as a list, in which None says that the answer begins anew; an empty
  /// list at the end; None when more is to come.
  /// Raises the stream's error, after the chunks that came before it.
  [[nodiscard]] py::object take();
  /// An awaitable that ends when `take` has something to say.
  [[nodiscard]] py::object wait_async();
  /// Blocks until then; Ctrl-C raises.
  void wait();
  /// Ends the call; further `take`s give the end.
  void close();
  /// The whole answer with usage and finish reason, once the stream has ended well; else None.
  [[nodiscard]] py::object response() const;

 private:
  class buffer;
  class sink;

  void start();

  std::shared_ptr<client_handle> handle_;
  std::optional<prepared_call> unsent_;
  std::shared_ptr<call_statistics> statistics_;
  std::shared_ptr<buffer> buffer_;
  std::stop_source stop_;
  std::uint64_t call_id_ = 0;
  bool closed_ = false;  // by `close`, or by the end
  bool ended_ = false;   // the end was seen: the buffer does not change any more
};

}  // namespace graphbit::python
