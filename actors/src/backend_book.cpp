#include "src/backend_book.hpp"

#include <algorithm>
#include <string>

namespace graphbit {

namespace {

const provider_config* own_provider(const node& n) {
  if (const auto* agent = std::get_if<agent_spec>(&n.spec))
    return agent->model.provider ? &*agent->model.provider : nullptr;
  if (const auto* map = std::get_if<map_spec>(&n.spec))
    return map->model.provider ? &*map->model.provider : nullptr;
  return nullptr;
}

}  // namespace

expected<void> backend_book::open_own() {
  {
    const std::lock_guard guard(mutex_);
    if (own_) return {};
  }
  auto made = factory_(own_config_);
  if (!made) return fail(made.error());
  const std::lock_guard guard(mutex_);
  own_ = std::move(*made);
  return {};
}

expected<void> backend_book::open(const provider_config& config) {
  {
    const std::lock_guard guard(mutex_);
    for (const auto& [known, backend] : others_)
      if (known == config) return {};
  }
  auto made = factory_(config);
  if (!made) return fail(made.error());
  const std::lock_guard guard(mutex_);
  others_.emplace_back(config, std::move(*made));
  return {};
}

expected<void> backend_book::open_all(const workflow& flow) {
  if (auto ok = open_own(); !ok) return ok;
  for (const auto& n : flow.nodes()) {
    if (const auto* sub = std::get_if<sub_workflow_spec>(&n->spec)) {
      if (auto ok = open_all(*sub->flow); !ok) return ok;
    } else if (const auto* config = own_provider(*n)) {
      auto ok = open(*config);
      if (ok) continue;
      ok.error().message = "node '" + n->name + "': " + ok.error().message;
      return ok;
    }
  }
  return {};
}

std::shared_ptr<chat_backend> backend_book::find(const model_settings& settings) const {
  const std::lock_guard guard(mutex_);
  if (!settings.provider) return own_;
  for (const auto& [config, backend] : others_)
    if (config == *settings.provider) return backend;
  return nullptr;
}

}  // namespace graphbit
