#include "prompt_batch.hpp"

#include <algorithm>

namespace graphbit::python {

class prompt_batch::sink final : public chat_sink {
 public:
  sink(std::shared_ptr<prompt_batch> batch, std::size_t index)
      : batch_(std::move(batch)), index_(index) {}
  void on_done(expected<chat_response> result) override {
    batch_->finish(index_, std::move(result));
  }

 private:
  std::shared_ptr<prompt_batch> batch_;
  std::size_t index_;
};

prompt_batch::prompt_batch(provider_client client, std::vector<std::string> prompts,
                           prepared_call form, std::shared_ptr<call_statistics> statistics,
                           done_callback done)
    : client_(std::move(client)),
      prompts_(std::move(prompts)),
      form_(std::move(form)),
      statistics_(std::move(statistics)),
      done_(std::move(done)),
      results_(prompts_.size()),
      left_(prompts_.size() + 1) {}

void prompt_batch::start(std::size_t in_flight_max) {
  const auto keep = shared_from_this();
  const std::size_t first = std::min(in_flight_max, prompts_.size());
  for (std::size_t i = 0; i < first; ++i) submit_next();
  count_down();  // the one of `start`: an all-empty batch ends here
}

void prompt_batch::submit_next() {
  for (;;) {
    const std::size_t index = next_.fetch_add(1);
    if (index >= prompts_.size()) return;
    if (prompts_[index].empty()) {
      count_down();
      continue;
    }
    prepared_call call = form_;
    call.request.messages.push_back(user_message(std::move(prompts_[index])));
    client_.submit(std::move(call.request), std::move(call.options),
                   std::make_unique<sink>(shared_from_this(), index));
    return;
  }
}

void prompt_batch::finish(std::size_t index, expected<chat_response> result) {
  statistics_->record(result);
  results_[index] = std::move(result);
  submit_next();
  count_down();
}

void prompt_batch::count_down() {
  if (left_.fetch_sub(1) != 1) return;
  client_ = {};  // the results may wait for their loop longer than the runtime lives
  done_(std::move(results_));
}

}  // namespace graphbit::python
