#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <graphbit/actors/status_server.hpp>
#include <graphbit/net/otlp.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::python {

/// What `init` was told about being looked at; the environment's variables hold beside it.
struct observability_settings {
  bool tracing = false;
  std::optional<bool> content;  ///< of prompts and answers in spans
  std::string metrics_address;  ///< empty: no server
  std::string dashboard;        ///< the same, with the live page
  std::string dashboard_token;
  std::function<health_check()> own_check{};  ///< one more thing that `/readyz` looks at
};

/// Tracing and the servers of one runtime, as Python has set them up.
///
/// Lifecycle: `start` with each new runtime, `stop` before it ends. Needs the GIL, which is its
/// lock; `stop` frees it while it waits.
class observability {
 public:
  void set(observability_settings settings) { settings_ = std::move(settings); }
  /// Errors: Configuration for addresses and endpoints that are none, Network for taken ports.
  [[nodiscard]] expected<void> start(runtime& rt);
  void stop();
  /// In a forked child: the threads of the parent's servers are gone.
  void leak() noexcept;

  /// "" where there is no such server.
  [[nodiscard]] std::string metrics_url() const;
  [[nodiscard]] std::string dashboard_url() const;

 private:
  [[nodiscard]] expected<void> start_server(std::unique_ptr<status_server>& place, runtime& rt,
                                            status_server_options options);

  observability_settings settings_;
  std::unique_ptr<status_server> metrics_, dashboard_;
};

}  // namespace graphbit::python
