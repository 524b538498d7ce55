#include "provider_metrics.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "call_metrics.hpp"

namespace graphbit {

namespace {

constexpr milliseconds pool_patience{200};
constexpr std::array<std::pair<const char*, breaker_state>, 3> breaker_states{
    {{"closed", breaker_state::closed},
     {"half_open", breaker_state::half_open},
     {"open", breaker_state::open}}};

metric_labels with(metric_labels labels, const char* name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

void collect_counts(metrics_page& page, const metric_labels& of, const provider_client_stats& s) {
  const auto counter = [&](const char* name, const char* help, std::uint64_t n) {
    page.counter(name, help, of, static_cast<double>(n));
  };
  const auto calls = [&](const char* outcome, std::uint64_t n) {
    page.counter("graphbit_calls_total", "Calls that ended, by how.", with(of, "outcome", outcome),
                 static_cast<double>(n));
  };
  calls("succeeded", s.succeeded);
  calls("failed", s.failed);
  calls("cancelled", s.cancelled);
  counter("graphbit_attempts_total", "HTTP requests sent for calls.", s.attempts);
  counter("graphbit_retries_total", "Attempts after a failed one.", s.retries);
  counter("graphbit_hedges_total", "Second attempts beside a slow first one.", s.hedges);
  counter("graphbit_hedges_won_total", "Hedges that answered first.", s.hedges_won);
  counter("graphbit_rejections_total", "Calls refused by an open circuit breaker.", s.rejected);
  counter("graphbit_cache_hits_total", "Calls answered from the response cache.", s.cache_hits);
}

void collect_levels(metrics_page& page, const metric_labels& of, const provider_client_stats& s) {
  const auto gauge = [&](const char* name, const char* help, std::uint64_t n) {
    page.gauge(name, help, of, static_cast<double>(n));
  };
  gauge("graphbit_calls_in_flight", "Attempts that a provider works on.", s.in_flight);
  gauge("graphbit_calls_waiting", "Calls that wait for a limit.", s.waiting);
  gauge("graphbit_connection_queue", "Attempts that wait for a connection.", s.pool.waiting);
  const auto connections = [&](const char* state, std::size_t n) {
    page.gauge("graphbit_connections", "Connections to a provider.", with(of, "state", state),
               static_cast<double>(n));
  };
  connections("busy", s.pool.open - std::min(s.pool.idle, s.pool.open));
  connections("idle", s.pool.idle);
  page.counter("graphbit_connections_opened_total", "Connections made to a provider.", of,
               static_cast<double>(s.pool.opened));
  page.counter("graphbit_connections_reused_total", "Attempts that found a connection ready.", of,
               static_cast<double>(s.pool.reused));
}

}  // namespace

void collect_providers(metrics_page& page,
                       const std::vector<std::shared_ptr<provider_pipeline>>& clients) {
  std::map<metric_labels, breaker_state> breakers;  // clients of one endpoint and model share one
  for (const auto& client : clients) {
    const auto of = provider_labels(client->config(), client->at());
    const auto stats = client->seen_within(pool_patience).stats;
    collect_counts(page, of, stats);
    collect_levels(page, of, stats);
    breakers[of] = stats.breaker;
  }
  for (const auto& [of, state] : breakers)
    for (const auto& [name, one] : breaker_states)
      page.gauge("graphbit_breaker_state", "1 for the state that a circuit breaker is in.",
                 with(of, "state", name), state == one ? 1 : 0);
}

namespace {

void collect_supervised(metrics_page& page, const supervised& one) {
  const metric_labels kind{{"kind", one.kind}};
  page.counter("graphbit_actor_restarts_total", "Restarts of supervised actors.", kind,
               one.restarts);
  page.gauge("graphbit_supervised_actors", "Actors under supervision.", kind, 1);
  if (one.mailbox)
    page.gauge("graphbit_mailbox_messages", "Messages that wait in actors' mailboxes.", kind,
               static_cast<double>(*one.mailbox));
  for (const auto& child : one.children) collect_supervised(page, child);
}

}  // namespace

void collect_supervision(metrics_page& page, const std::vector<supervised>& tree) {
  for (const auto& child : tree) collect_supervised(page, child);
}

}  // namespace graphbit
