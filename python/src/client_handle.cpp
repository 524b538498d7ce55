#include "client_handle.hpp"

#include "error_translation.hpp"

namespace graphbit::python {

opened_client client_handle::open() {
  auto home = process_runtime::instance().acquire();
  if (!client_) client_ = unwrap(provider_client::open(*home, config_));
  return {std::move(home), client_};
}

void client_handle::leak_handles() noexcept {
  static_cast<void>(new provider_client(std::move(client_)));
  client_ = {};
}

}  // namespace graphbit::python
