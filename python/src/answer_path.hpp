#pragma once

#include <memory>

#include <graphbit/actors/call.hpp>
#include <graphbit/runtime/reactor.hpp>

namespace graphbit::python {

/// Where the answer of one call goes that was made on the blocking pool: to its sink, on the
/// reactor that waits for it. Copyable; `deliver` once, on any thread.
struct answer_path {
  std::shared_ptr<chat_sink> sink;
  reactor* home;
  bool stream;  ///< the text comes as one delta first

  void deliver(expected<chat_response> result) const {
    auto kept = std::make_shared<expected<chat_response>>(std::move(result));
    home->post([path = *this, kept] {
      if (path.stream && *kept) {
        std::vector<std::string> whole{(*kept)->content};
        path.sink->on_text(whole);
      }
      path.sink->on_done(std::move(*kept));
    });
  }
};

}  // namespace graphbit::python
