#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "batch_run.hpp"
#include "call_arguments.hpp"
#include "call_statistics.hpp"
#include "client_handle.hpp"
#include "prompt_batch.hpp"
#include "text_stream.hpp"

namespace graphbit::python {

/// What a Python `LlmClient` holds: its configuration's provider client and its own statistics.
/// Threads: every member needs the GIL; blocking ones free it while they wait.
class llm_client final : runtime_user {
 public:
  /// `max_cost`, `max_total_tokens`: of all its calls together, or None.
  llm_client(provider_config config, bool debug, py::handle max_cost, py::handle max_total_tokens);

  [[nodiscard]] py::object complete(py::handle prompt, const call_arguments& given);
  [[nodiscard]] py::object complete_full(py::handle prompt, const call_arguments& given);
  [[nodiscard]] py::object complete_async(py::handle prompt, const call_arguments& given);
  [[nodiscard]] py::object complete_full_async(py::handle prompt, const call_arguments& given);
  /// Starts a batch without prompts: (PromptBatch, awaitable). `full`: the awaitable gives one
  /// entry per prompt, an LlmResponse, an exception, or None for an empty prompt; else texts, with
  /// "Error: ..." for what failed.
  [[nodiscard]] py::tuple start_batch(py::handle max_concurrency, const call_arguments& given,
                                      bool full);
  /// Starts a batch of lines in OpenAI's batch form.
  [[nodiscard]] std::unique_ptr<batch_run> run_batch(py::handle journal, py::handle arguments,
                                                     py::handle max_concurrency, py::handle options,
                                                     bool retry_failed);
  [[nodiscard]] py::object chat(py::handle messages, const call_arguments& given);
  [[nodiscard]] std::unique_ptr<text_stream> stream(py::handle prompt, const call_arguments& given);
  [[nodiscard]] py::object warm_up();

  void use_cluster(std::shared_ptr<cluster_handle> cluster) {
    handle_->use_cluster(std::move(cluster));
  }
  void set_limits(py::handle max_in_flight, py::handle rpm, py::handle tpm);
  [[nodiscard]] py::dict stats() const;
  void reset_stats() { statistics_->reset(); }

 private:
  void release_handles() override {}  // the handle is a user of its own
  void leak_handles() noexcept override { statistics_->renew_lock(); }
  [[nodiscard]] expected<chat_response> wait_for(prepared_call call);
  template <class Convert>
  [[nodiscard]] py::object submit(prepared_call call, Convert convert);
  [[nodiscard]] prepared_call prepared(prepared_call call) const;
  /// What calls of a batch share, taken from its keywords.
  void take_batch_options(keyword_arguments& keywords, batch_options& batch) const;

  /// The handle for streams that are taken up again after a failure: that is a router's work.
  [[nodiscard]] std::shared_ptr<client_handle> resuming_handle();

  std::shared_ptr<client_handle> handle_;
  std::shared_ptr<client_handle> resuming_;  // made when first needed
  std::shared_ptr<call_statistics> statistics_ = std::make_shared<call_statistics>();
  std::shared_ptr<call_budget> budget_;  // counts, also where nothing is limited
  bool debug_;
  time_point started_ = steady_clock::now();
};

}  // namespace graphbit::python
