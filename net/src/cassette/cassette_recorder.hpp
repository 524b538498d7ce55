#pragma once

#include <memory>
#include <string>
#include <utility>

#include <graphbit/net/http_client.hpp>

#include "cassette_tape.hpp"
#include "secret_removal.hpp"

namespace graphbit {

/// Stands between a connection and the handler of one exchange and writes the exchange down when it
/// has ended well. Like every handler it lives on its reactor's thread; the handler behind it may
/// end the exchange, and this with it, in any call.
class cassette_recorder final : public http_handler {
 public:
  cassette_recorder(std::shared_ptr<cassette_tape> tape, std::string url,
                    const http_request& request, http_handler& behind)
      : tape_(std::move(tape)),
        secrets_(request.headers ? *request.headers : std::string(), request.extra_headers),
        behind_(behind) {
    exchange_.method = request.method;
    exchange_.url = secrets_.from_url(url);
    exchange_.body = secrets_.from_body(request.body);
    exchange_.streamed = request.stream;
  }

  void on_headers(const http_response& head) override {
    note(head);
    behind_.on_headers(head);
  }
  void on_data(std::string_view bytes) override {
    exchange_.chunks.emplace_back(bytes);
    behind_.on_data(bytes);
  }
  void on_done(expected<http_response> result) override {
    if (result) {
      if (!exchange_.streamed) {
        note(*result);
        if (!result->body.empty()) exchange_.chunks = {secrets_.from_body(result->body)};
      }
      exchange_.chunks = secrets_.from_chunks(std::move(exchange_.chunks));
      tape_->record(exchange_);
    }
    behind_.on_done(std::move(result));
  }

 private:
  void note(const http_response& head) {
    exchange_.status = head.status;
    exchange_.headers = secrets_.from_headers(head.headers);
  }

  std::shared_ptr<cassette_tape> tape_;
  secret_removal secrets_;
  recorded_exchange exchange_;
  http_handler& behind_;
};

}  // namespace graphbit
