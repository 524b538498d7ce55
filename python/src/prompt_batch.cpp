#include "prompt_batch.hpp"

#include "error_translation.hpp"
#include "loop_bridge.hpp"

namespace graphbit::python {

/// The reactor's side.
class prompt_batch::listener final : public batch_listener {
 public:
  listener(std::shared_ptr<prompt_batch> owner, std::shared_ptr<call_statistics> statistics,
           done_callback done)
      : owner_(std::move(owner)), statistics_(std::move(statistics)), done_(std::move(done)) {}

  void on_wanted(std::size_t count) override { owner_->room_->append(count); }

  void on_outcome(batch_outcome outcome) override {
    if (outcome.index >= results_.size()) results_.resize(outcome.index + 1);
    outcome_of_prompt& place = results_[outcome.index];
    if (!outcome.result) {
      place = {fail(std::move(outcome.result.error())), outcome.started};
    } else {
      auto& response = std::get<chat_response>(*outcome.result);
      // The batch answers a request without messages itself, as nobody.
      const bool asked = !response.provider.empty();
      place = {std::move(response), asked};
    }
    if (place.asked) statistics_->record(place.result);
    if (!place.result) ++owner_->failed_;
    ++owner_->ended_;
  }

  void on_done(const batch_summary&) override {
    {
      const std::lock_guard guard(owner_->mutex_);
      owner_->batch_.reset();
    }
    owner_->room_->end(0);
    done_(std::move(results_));
  }

 private:
  std::shared_ptr<prompt_batch> owner_;
  std::shared_ptr<call_statistics> statistics_;
  done_callback done_;
  results results_;
};

std::shared_ptr<prompt_batch> prompt_batch::start(const opened_client& client, chat_request form,
                                                  batch_options options,
                                                  std::shared_ptr<call_statistics> statistics,
                                                  done_callback done) {
  std::shared_ptr<prompt_batch> made(new prompt_batch(std::move(form)));
  auto hears = std::make_unique<listener>(made, std::move(statistics), std::move(done));
  batch started =
      unwrap(batch::start(*client.home, client.client, std::move(options), std::move(hears)));
  const std::lock_guard guard(made->mutex_);
  made->batch_ = std::move(started);
  return made;
}

void prompt_batch::add(std::vector<std::string> prompts) {
  std::vector<batch_item> items;
  items.reserve(prompts.size());
  for (std::string& prompt : prompts) {
    chat_request request = form_;
    if (!prompt.empty()) request.messages.push_back(user_message(std::move(prompt)));
    items.push_back({next_index_++, std::move(request), {}});
  }
  const std::lock_guard guard(mutex_);
  if (batch_) batch_->add(std::move(items));
}

void prompt_batch::close() {
  const std::lock_guard guard(mutex_);
  if (batch_) batch_->close();
}

void prompt_batch::cancel() {
  const std::lock_guard guard(mutex_);
  if (batch_) batch_->cancel();
}

py::object prompt_batch::take_room() {
  std::vector<std::size_t> said;
  if (room_->take(said) == room_type::condition::ended) return py::none();
  std::size_t room = 0;
  for (const std::size_t count : said) room += count;
  return py::int_(room);
}

py::object prompt_batch::wait_for_room() {
  auto [future, where] = loop_bridge::running().begin();
  room_->notify(std::move(where));
  return future;
}

}  // namespace graphbit::python
