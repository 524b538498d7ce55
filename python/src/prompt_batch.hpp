#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <graphbit/actors/provider_client.hpp>

#include "call_arguments.hpp"
#include "call_statistics.hpp"

namespace graphbit::python {

/// Many prompts through one client, so many in flight at once, with one end for all of them.
///
/// Lifecycle: keeps itself alive until its last item is answered. Threads: `start` on any; each
/// answer starts the next prompt on the reactor that brought it, so Python is not touched before
/// the end. Results keep the order of the prompts; an empty prompt gives an empty result.
class prompt_batch : public std::enable_shared_from_this<prompt_batch> {
 public:
  using results = std::vector<expected<chat_response>>;
  using done_callback = std::function<void(results)>;

  prompt_batch(provider_client client, std::vector<std::string> prompts, prepared_call form,
               std::shared_ptr<call_statistics> statistics, done_callback done);

  void start(std::size_t in_flight_max);

 private:
  class sink;

  void submit_next();
  void finish(std::size_t index, expected<chat_response> result);
  void count_down();

  provider_client client_;
  std::vector<std::string> prompts_;
  prepared_call form_;
  std::shared_ptr<call_statistics> statistics_;
  done_callback done_;
  results results_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> left_;
};

}  // namespace graphbit::python
