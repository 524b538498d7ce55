#include <graphbit/actors/chat_backend.hpp>

#include <utility>

#include <graphbit/actors/provider_client.hpp>

namespace graphbit {

namespace {

class provider_backend final : public chat_backend {
 public:
  explicit provider_backend(provider_client client) : client_(std::move(client)) {}
  void submit(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
              bool stream, reactor& home) override {
    client_.submit(std::move(request), std::move(options), std::move(sink), stream, &home);
  }
  [[nodiscard]] std::function<void()> submit_stream(chat_request request, call_options options,
                                                    std::unique_ptr<chat_sink> sink,
                                                    reactor& home) override {
    const auto id =
        client_.submit(std::move(request), std::move(options), std::move(sink), true, &home);
    return [client = client_, id] { client.resume(id); };
  }
  [[nodiscard]] const provider_config& config() const override { return client_.config(); }

 private:
  provider_client client_;
};

}  // namespace

chat_backend_factory provider_backends(runtime& rt) {
  return provider_backends(
      [&rt](const provider_config& config) { return provider_client::open(rt, config); });
}

chat_backend_factory provider_backends(
    std::function<expected<provider_client>(const provider_config& config)> open) {
  return [open = std::move(open)](
             const provider_config& config) -> expected<std::shared_ptr<chat_backend>> {
    auto client = open(config);
    if (!client) return fail(std::move(client.error()));
    return std::make_shared<provider_backend>(std::move(*client));
  };
}

}  // namespace graphbit
