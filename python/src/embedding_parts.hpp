#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <graphbit/actors/call.hpp>

namespace graphbit::python {

/// How many texts a provider takes in one request.
[[nodiscard]] std::size_t inputs_per_request(std::string_view provider) noexcept;

/// `request` as requests of at most `inputs_max` texts, in their order; at least one.
[[nodiscard]] std::vector<embedding_request> split(embedding_request request,
                                                   std::size_t inputs_max);

/// Adds what a later part of a request was answered to what came before it.
void append(embedding_response& whole, embedding_response part);

/// The answers to the parts of one request, put together in their order.
///
/// Lifecycle: one sink per part, made by `sink`; `done` is called once, with the whole or with the
/// first error, after which `give_up` is called for what is still under way. Threads: any.
class gathered_embeddings : public std::enable_shared_from_this<gathered_embeddings> {
 public:
  using done_callback = std::function<void(expected<embedding_response>)>;

  gathered_embeddings(std::size_t parts, done_callback done, std::function<void()> give_up)
      : parts_(parts), done_(std::move(done)), give_up_(std::move(give_up)) {}

  [[nodiscard]] std::unique_ptr<embedding_sink> sink(std::size_t part);

 private:
  class part_sink;
  void ended(std::size_t part, expected<embedding_response> result);

  std::mutex mutex_;
  std::vector<std::optional<embedding_response>> parts_;
  std::size_t answered_ = 0;
  done_callback done_;  // empty once called
  std::function<void()> give_up_;
};

}  // namespace graphbit::python
