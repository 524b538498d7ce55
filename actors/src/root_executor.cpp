#include "root_executor.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/reactor.hpp>
#include <graphbit/runtime/tracer.hpp>

#include "provider_metrics.hpp"

namespace graphbit {

namespace {

// Provider clients that nobody holds are kept for the next who wants one, up to so many.
constexpr std::size_t unused_clients_max = 64;

void append(std::string& out, std::string_view field) {
  out.append(std::to_string(field.size())).push_back(':');
  out.append(field);
}

template <class T>
void append_number(std::string& out, const std::optional<T>& n) {
  append(out, n ? std::to_string(*n) : "-");
}

void append_address(std::string& out, const void* address) {
  append(out, std::to_string(reinterpret_cast<std::uintptr_t>(address)));
}

// A text that is equal for equal configurations and for no others.
[[nodiscard]] std::string fingerprint(const provider_config& c) {
  std::string out;
  for (const auto* text :
       {&c.provider, &c.base_url, &c.api_key.expose(), &c.model, &c.extra_body,
        &c.token_limit_field, &c.tls.ca_file, &c.tls.client_cert_file, &c.tls.client_key_file})
    append(out, *text);
  for (const auto ms : {c.call_timeout, c.connect_timeout, c.tls_timeout, c.idle_timeout,
                        c.first_byte_timeout.value_or(milliseconds{-1})})
    append(out, std::to_string(ms.count()));
  append_number(out, c.max_retries);
  append_number(out, c.max_in_flight);
  append_number(out, c.rpm);
  append_number(out, c.tpm);
  append(out, c.response_cache_max_age ? std::to_string(c.response_cache_max_age->count()) : "-");
  for (const bool flag : {c.hedge, c.adaptive_in_flight, c.tls.verify})
    append(out, flag ? "1" : "0");
  for (const auto& [name, value] : c.extra_headers) {
    append(out, name);
    append(out, value);
  }
  append_address(out, c.wire.get());
  append(out, "parameters");
  for (const auto& [name, value] : c.parameters) {
    append(out, name);
    append(out, value);
  }
  return out;
}

}  // namespace

expected<std::shared_ptr<root_executor>> root_executor::of(runtime& rt) try {
  return rt.service<root_executor>();
} catch (const std::runtime_error&) {
  return fail(runtime_has_ended("open"));
}

root_executor::root_executor(runtime& rt)
    : rt_(rt),
      supervisor_(supervisor::start(rt.system(), {.name = "root executor"})),
      // Made before this, so that they outlive it.
      collector_(rt.service<metrics_registry>()->collect_with(
          [this](metrics_page& page) { collect(page); })) {
  static_cast<void>(rt.service<tracer>());
  static_cast<void>(rt.service<response_cache>());
  static_cast<void>(rt.service<limit_leaser>());
}

root_executor::~root_executor() {
  collector_.reset();
  gate_->close();
  clients_.clear();
  if (!supervisor_.shut_down(seconds{10}))
    log(log_level::error, "actors", "some actors did not end within 10 s");
  if (!gate_->wait_until_empty(seconds{10}))
    log(log_level::error, "actors", "some callers did not come back within 10 s");
  const std::lock_guard guard(slots_mutex_);
  for (const auto& weak : slots_)
    if (const auto slot = weak.lock()) slot->set(nullptr);
}

std::shared_ptr<actor_slot> root_executor::make_slot() {
  auto slot = std::make_shared<actor_slot>();
  const std::lock_guard guard(slots_mutex_);
  if (slots_.size() >= slots_pruned_at_) {
    std::erase_if(slots_, [](const auto& weak) { return weak.expired(); });
    slots_pruned_at_ = std::max<std::size_t>(64, 2 * slots_.size());
  }
  slots_.push_back(slot);
  return slot;
}

caf::actor root_executor::start_child(child_spec spec) {
  return supervisor_.start_child(std::move(spec));
}

std::shared_ptr<actor_slot> root_executor::breaker_for(const provider_config& config) {
  std::string key;
  append(key, config.base_url);
  append(key, config.model);
  auto& slot = breakers_[key];
  if (slot) return slot;
  slot = make_slot();
  auto& home = rt_.reactor_at(std::hash<std::string>{}(key) % rt_.reactor_count());
  const std::string label = config.base_url + " " + config.model;
  start_child({.kind = "circuit breaker", .name = label, .start = [&home, label, slot = slot] {
                 auto handle = spawn_on(home, circuit_breaker, label);
                 slot->set(handle);
                 return handle;
               }});
  return slot;
}

std::shared_ptr<actor_slot> root_executor::limiter_for(
    const provider_config& config, const std::shared_ptr<limit_authority>& limits) {
  std::string key;
  append(key, config.base_url);
  append(key, config.model);
  append(key, config.api_key.expose());
  append_address(key, limits.get());
  auto& [slot, shares] = limiters_[key];
  if (slot) return slot;
  slot = make_slot();
  shares = limits != nullptr;
  auto& home = rt_.reactor_at(std::hash<std::string>{}(key) % rt_.reactor_count());
  start_child(
      {.kind = "limiter",
       .name = config.provider + " " + config.model + " " + config.api_key.redacted(),
       .start = [&home, slot = slot, leaser = rt_.service<limit_leaser>(),
                 limit = shared_limit{limits, config.base_url, config.model, config.api_key}] {
         auto handle = spawn_on(home, lease_limits, leaser, limit);
         slot->set(handle);
         return handle;
       }});
  return slot;
}

expected<std::shared_ptr<provider_pipeline>> root_executor::client_for(
    provider_config config, std::shared_ptr<limit_authority> limits) {
  auto endpoint = make_endpoint(std::move(config));
  if (!endpoint) return fail(endpoint.error());
  const auto& resolved_config = (*endpoint)->config;
  const std::lock_guard guard(mutex_);
  if (!limits) limits = limits_;
  auto key = fingerprint(resolved_config);
  append_address(key, limits.get());
  auto& known = clients_[key];
  if (known) return known;
  auto client = std::make_shared<provider_pipeline>(*endpoint);
  client->gate = gate_;
  client->breaker = breaker_for(resolved_config);
  client->limiter = limiter_for(resolved_config, limits);
  client->shards.resize(rt_.reactor_count());
  for (std::size_t i = 0; i < client->shards.size(); ++i) {
    auto& shard = client->shards[i];
    shard.home = &rt_.reactor_at(i);
    shard.slot = make_slot();
    provider_shard::setup setup{.endpoint = *endpoint,
                                .breaker = client->breaker,
                                .limiter = client->limiter,
                                .counters = shard.counters,
                                .prices = rt_.service<price_book>(),
                                .metrics = rt_.service<metrics_registry>(),
                                .tracer = rt_.service<tracer>(),
                                .limits_are_shared = limits != nullptr};
    if (resolved_config.response_cache_max_age) setup.cache = rt_.service<response_cache>();
    start_child({.kind = "provider client",
                 .name = resolved_config.provider + " " + resolved_config.model + " at " +
                         resolved_config.base_url,
                 .start = [home = shard.home, slot = shard.slot, setup] {
                   auto handle = spawn_on(*home, serve_provider, setup);
                   slot->set(handle);
                   return handle;
                 }});
  }
  known = client;
  drop_unused_clients();
  return client;
}

void root_executor::share_limits(std::shared_ptr<limit_authority> authority) {
  const std::lock_guard guard(mutex_);
  limits_ = std::move(authority);
}

std::vector<std::shared_ptr<provider_pipeline>> root_executor::clients() {
  const std::lock_guard guard(mutex_);
  std::vector<std::shared_ptr<provider_pipeline>> all;
  for (const auto& [key, client] : clients_) all.push_back(client);
  return all;
}

void root_executor::collect(metrics_page& page) {
  constexpr milliseconds patience{500};
  collect_providers(page, clients());
  collect_supervision(page, tree(patience));
}

void root_executor::drop_unused_clients() {
  if (clients_.size() <= unused_clients_max) return;
  std::erase_if(clients_, [](const auto& entry) { return entry.second.use_count() == 1; });
  drop_unused_limiters();
}

// A limiter of this process's own keeps what it has learnt and counted. One that shares goes with
// its last client: there is an authority for every owner that has ever given this process work.
void root_executor::drop_unused_limiters() {
  std::erase_if(limiters_, [this](const auto& entry) {
    const auto uses = [&](const auto& client) {
      return client.second->limiter == entry.second.slot;
    };
    if (!entry.second.shares || std::any_of(clients_.begin(), clients_.end(), uses)) return false;
    if (const auto handle = entry.second.slot->get())
      caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    return true;
  });
}

}  // namespace graphbit
