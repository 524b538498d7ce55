#include "embedding_parts.hpp"

#include <algorithm>
#include <utility>

namespace graphbit::python {

// By the providers' API references, 2026-11: OpenAI's input array, Gemini's batchEmbedContents.
std::size_t inputs_per_request(std::string_view provider) noexcept {
  return provider == "gemini" ? 100 : 2048;
}

std::vector<embedding_request> split(embedding_request request, std::size_t inputs_max) {
  if (request.inputs.size() <= inputs_max) return {std::move(request)};
  std::vector<std::string> inputs = std::move(request.inputs);
  std::vector<embedding_request> parts;
  for (std::size_t from = 0; from < inputs.size(); from += inputs_max) {
    const auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = static_cast<std::ptrdiff_t>(std::min(inputs_max, inputs.size() - from));
    request.inputs.assign(std::move_iterator(begin), std::move_iterator(begin + count));
    parts.push_back(request);
  }
  return parts;
}

void append(embedding_response& whole, embedding_response part) {
  std::move(part.vectors.begin(), part.vectors.end(), std::back_inserter(whole.vectors));
  whole.usage.prompt_tokens += part.usage.prompt_tokens;
  whole.usage.total_tokens += part.usage.total_tokens;
  whole.attempts += part.attempts;
  whole.latency_us = std::max(whole.latency_us, part.latency_us);
  whole.cost = whole.cost && part.cost ? std::optional(*whole.cost + *part.cost) : std::nullopt;
}

class gathered_embeddings::part_sink final : public embedding_sink {
 public:
  part_sink(std::shared_ptr<gathered_embeddings> whole, std::size_t part)
      : whole_(std::move(whole)), part_(part) {}
  void on_done(expected<embedding_response> result) override {
    whole_->ended(part_, std::move(result));
  }

 private:
  std::shared_ptr<gathered_embeddings> whole_;
  std::size_t part_;
};

std::unique_ptr<embedding_sink> gathered_embeddings::sink(std::size_t part) {
  return std::make_unique<part_sink>(shared_from_this(), part);
}

void gathered_embeddings::ended(std::size_t part, expected<embedding_response> result) {
  std::unique_lock lock(mutex_);
  if (!done_) return;
  if (!result) {
    const auto done = std::exchange(done_, nullptr);
    lock.unlock();
    give_up_();
    return done(std::move(result));
  }
  parts_[part] = std::move(*result);
  if (++answered_ < parts_.size()) return;
  const auto done = std::exchange(done_, nullptr);
  lock.unlock();
  embedding_response whole = std::move(*parts_.front());
  for (std::size_t i = 1; i < parts_.size(); ++i) append(whole, std::move(*parts_[i]));
  done(std::move(whole));
}

}  // namespace graphbit::python
