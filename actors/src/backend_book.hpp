#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <graphbit/actors/chat_backend.hpp>
#include <graphbit/actors/workflow.hpp>

namespace graphbit {

/// The backends that one executor's nodes use, each opened once: the executor's own and those of
/// nodes with a configuration of theirs. Any thread.
class backend_book {
 public:
  backend_book(chat_backend_factory factory, provider_config own)
      : factory_(std::move(factory)), own_config_(std::move(own)) {}

  /// Opens what the executor and all nodes of `flow` (sub-workflows included) need. Errors: as the
  /// factory gives, with the node's name in front.
  [[nodiscard]] expected<void> open_all(const workflow& flow);
  /// The backend of a node's settings. Precondition: `open_all` went through its workflow.
  [[nodiscard]] std::shared_ptr<chat_backend> find(const model_settings& settings) const;
  [[nodiscard]] const provider_config& own_config() const noexcept { return own_config_; }
  [[nodiscard]] expected<void> open_own();

 private:
  [[nodiscard]] expected<void> open(const provider_config& config);

  chat_backend_factory factory_;
  provider_config own_config_;
  mutable std::mutex mutex_;
  std::shared_ptr<chat_backend> own_;
  std::vector<std::pair<provider_config, std::shared_ptr<chat_backend>>> others_;
};

}  // namespace graphbit
