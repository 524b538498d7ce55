#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <graphbit/actors/call.hpp>
#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/chat.hpp>

namespace graphbit {

class provider_client;
class reactor;
class runtime;

/// Where a node's calls go: a provider client here, a fake in tests, another machine in a cluster.
class chat_backend {
 public:
  virtual ~chat_backend() = default;
  /// Hands over one call. The sink is told on `home`'s thread, exactly once, and never from inside
  /// this call.
  virtual void submit(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
                      bool stream, reactor& home) = 0;
  /// As `submit` of a stream; gives a function that reads on after the sink said false (any thread,
  /// does not block). An empty one: streams cannot wait here, and the sink must not say false.
  [[nodiscard]] virtual std::function<void()> submit_stream(chat_request request,
                                                            call_options options,
                                                            std::unique_ptr<chat_sink> sink,
                                                            reactor& home) {
    submit(std::move(request), std::move(options), std::move(sink), true, home);
    return {};
  }
  /// The model that a request without one gets, and the provider's name; for events and metadata.
  [[nodiscard]] virtual const provider_config& config() const = 0;
};

/// Opens the backend of a configuration. Called on any thread.
using chat_backend_factory =
    std::function<expected<std::shared_ptr<chat_backend>>(const provider_config& config)>;

/// Backends that are the runtime's provider clients.
[[nodiscard]] chat_backend_factory provider_backends(runtime& rt);
/// Backends that are the provider clients which `open` gives: a cluster's.
[[nodiscard]] chat_backend_factory provider_backends(
    std::function<expected<provider_client>(const provider_config& config)> open);

}  // namespace graphbit
