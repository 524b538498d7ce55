#pragma once

#include <pybind11/pybind11.h>
#include <atomic>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <graphbit/actors/batch.hpp>

#include "call_arguments.hpp"
#include "call_statistics.hpp"
#include "client_handle.hpp"
#include "handover.hpp"

namespace graphbit::python {

namespace py = pybind11;

/// A batch of prompts on its way: fed from Python, answered once for all of it.
///
/// Lifecycle: `start`, then `add` as `wanted` asks for it, `close`; the results go to `done` when
/// the last item has its outcome. Threads: everything public needs the GIL; outcomes gather on the
/// batch's reactor. Results keep the order of the prompts; an empty prompt gives an empty result.
class prompt_batch {
 public:
  struct outcome_of_prompt {
    expected<chat_response> result;
    bool asked = true;  ///< false: an empty prompt, or never started
  };
  using results = std::vector<outcome_of_prompt>;
  using done_callback = std::function<void(results)>;

  /// `form`: everything of the requests but the prompt. Raises what starting a batch gives.
  [[nodiscard]] static std::shared_ptr<prompt_batch> start(
      const opened_client& client, chat_request form, batch_options options,
      std::shared_ptr<call_statistics> statistics, done_callback done);

  void add(std::vector<std::string> prompts);
  /// No more prompts will come.
  void close();
  void cancel();
  /// For how many more prompts there is room since the last time; 0: await `wait_for_room` first;
  /// None: the batch takes no more.
  [[nodiscard]] py::object take_room();
  [[nodiscard]] py::object wait_for_room();
  /// How many prompts have their outcome, and how many of those failed.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> counts() const {
    return {ended_.load(), failed_.load()};
  }

 private:
  class listener;
  using room_type = handover<std::size_t, int>;

  explicit prompt_batch(chat_request form) : form_(std::move(form)) {}

  chat_request form_;
  std::uint64_t next_index_ = 0;
  std::atomic<std::uint64_t> ended_{0}, failed_{0};
  std::shared_ptr<room_type> room_ = std::make_shared<room_type>();
  // Let go on the reactor when the batch ends: it must not outlive the runtime.
  std::mutex mutex_;
  std::optional<batch> batch_;
};

}  // namespace graphbit::python
