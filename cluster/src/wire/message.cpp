#include "message.hpp"

#include <tuple>
#include <utility>

#include "archive.hpp"
#include "credentials.hpp"

// `members` names what travels of a type, `fields` moves what is not a plain list; each once for
// both directions. They live beside the types, where the archives find them.
namespace graphbit {

namespace {

// Nested configurations (routes to routes) and content would otherwise recurse as deep as a peer
// likes.
constexpr int routes_depth_max = 8;
thread_local int routes_depth = 0;

}  // namespace

template <class A>
void fields(A& a, secret& s) {
  if constexpr (A::reading) {
    std::string text;
    a(text);
    s = secret(std::move(text));
  } else {
    a(s.expose());
  }
}

auto members(tls_options& t) {
  return std::tie(t.verify, t.ca_file, t.client_cert_file, t.client_key_file);
}

auto members(provider_routes& r) { return std::tie(r.strategy, r.targets); }

template <class A>
void fields(A& a, provider_config& c) {
  a(c.provider, c.base_url, c.api_key, c.model, c.call_timeout, c.connect_timeout, c.tls_timeout,
    c.first_byte_timeout, c.idle_timeout, c.max_retries, c.max_in_flight, c.rpm, c.tpm, c.hedge,
    c.adaptive_in_flight, c.response_cache_max_age, c.extra_headers, c.extra_body,
    c.token_limit_field, c.tls, c.parameters);
  bool routed = c.routes != nullptr;
  a(routed);
  if (!routed) return;
  if constexpr (A::reading) {
    if (!a.ok() || ++routes_depth > routes_depth_max) {
      routes_depth = 0;
      return a.fail();
    }
    auto routes = std::make_shared<provider_routes>();
    a(*routes);
    if (routes_depth > 0) --routes_depth;
    c.routes = std::move(routes);
  } else {
    a(*c.routes);
  }
}

auto members(content_part& p) { return std::tie(p.type, p.data, p.media_type, p.name); }
auto members(tool_call& t) { return std::tie(t.id, t.name, t.arguments); }
auto members(tool_spec& t) { return std::tie(t.name, t.description, t.parameters); }
auto members(chat_message& m) {
  return std::tie(m.role, m.text, m.parts, m.tool_calls, m.tool_call_id);
}
auto members(chat_request& r) {
  return std::tie(r.messages, r.model, r.max_tokens, r.temperature, r.top_p, r.tools, r.tool_choice,
                  r.response_format, r.extra_body, r.prompt_caching);
}
auto members(embedding_request& r) {
  return std::tie(r.inputs, r.model, r.dimensions, r.extra_body);
}
auto members(token_usage& u) {
  return std::tie(u.prompt_tokens, u.completion_tokens, u.total_tokens, u.cache_read_tokens,
                  u.cache_creation_tokens, u.reasoning_tokens);
}
auto members(finish_reason& f) { return std::tie(f.type, f.text); }
auto members(chat_response& r) {
  return std::tie(r.content, r.model, r.id, r.tool_calls, r.usage, r.finish, r.provider,
                  r.request_id, r.attempts, r.latency_us, r.cost, r.cached);
}
auto members(embedding_response& r) {
  return std::tie(r.vectors, r.model, r.usage, r.request_id, r.attempts, r.latency_us, r.cost);
}
auto members(error& e) {
  return std::tie(e.kind, e.message, e.field, e.value, e.operation, e.provider, e.resource_type,
                  e.request_id, e.partial_text, e.status, e.attempts, e.retry_after, e.duration,
                  e.retry, e.breaker, e.cancelled);
}
auto members(trace_context& t) { return std::tie(t.trace_high, t.trace_low, t.span, t.sampled); }
auto members(call_options& o) {
  return std::tie(o.work_budget, o.priority, o.max_retries, o.pause_max, o.idempotency_key,
                  o.session, o.on_stream_failure, o.fresh, o.debug, o.trace);
}
}  // namespace graphbit

namespace graphbit::policy {

auto members(limiter_settings& l) {
  return std::tie(l.in_flight_max, l.requests_per_minute, l.tokens_per_minute);
}
auto members(share_use& u) { return std::tie(u.keeps_to, u.used); }
template <class A>
void fields(A& a, share_request& r) {
  a(r.holder, r.token, r.limits, r.wanted, r.weight);
  if (a.version() >= 4) a(r.use);
}
auto members(limit_share& s) { return std::tie(s.token, s.amount, s.ends_in, s.ask_after); }

}  // namespace graphbit::policy

namespace graphbit::cluster {

auto members(hello& m) {
  return std::tie(m.version, m.version_min, m.role, m.cluster, m.name, m.incarnation, m.weight,
                  m.nonce, m.certificate);
}
auto members(welcome& m) {
  return std::tie(m.version, m.name, m.incarnation, m.nonce, m.certificate, m.signature);
}
auto members(proof& m) { return std::tie(m.signature); }
auto members(refused& m) { return std::tie(m.why); }
auto members(heartbeat& m) { return std::tie(m.beat); }
auto members(member_record& m) {
  return std::tie(m.name, m.address, m.incarnation, m.beat, m.state, m.slots, m.labels,
                  m.callables);
}
auto members(member_view& m) { return std::tie(m.members); }
auto members(demand& m) { return std::tie(m.waiting); }
// Keys stay here unless they were asked to travel.
template <class A>
void fields(A& a, configuration& m) {
  a(m.id, m.with_key);
  if constexpr (!A::reading) {
    if (!m.with_key) {
      auto without = without_credentials(m.config);
      return a(without);
    }
  }
  a(m.config);
}
auto members(function_call& m) { return std::tie(m.name, m.arguments); }
auto members(function_value& m) { return std::tie(m.json); }

namespace {

// One alternative of a variant by its place, made and read.
template <class Variant, std::size_t I = 0, class A>
void read_alternative(A& a, std::size_t index, Variant& into) {
  if constexpr (I == std::variant_size_v<Variant>) {
    a.fail();
  } else {
    if (index == I)
      a(into.template emplace<I>());
    else
      read_alternative<Variant, I + 1>(a, index, into);
  }
}

template <class A, class... Ts>
void variant_fields(A& a, std::variant<Ts...>& value) {
  auto index = static_cast<std::uint8_t>(value.index());
  a(index);
  if constexpr (A::reading) {
    if (a.ok()) read_alternative(a, index, value);
  } else {
    std::visit([&](const auto& alternative) { a(alternative); }, value);
  }
}

}  // namespace

template <class A>
void fields(A& a, work_item& m) {
  a(m.id, m.attempt, m.configuration, m.stream, m.deadline_in, m.options);
  if constexpr (A::reading) {
    auto request = std::make_shared<work_request>();
    variant_fields(a, *request);
    m.request = std::move(request);
  } else {
    variant_fields(a, const_cast<work_request&>(*m.request));
  }
}
auto members(cancel_item& m) { return std::tie(m.id, m.attempt); }
auto members(consumed& m) { return std::tie(m.id, m.attempt, m.pieces); }
auto members(credit& m) { return std::tie(m.window); }
auto members(stream_text& m) { return std::tie(m.id, m.attempt, m.pieces); }
auto members(stream_restart& m) { return std::tie(m.id, m.attempt); }
template <class A>
void fields(A& a, work_outcome& m) {
  a(m.id, m.attempt);
  variant_fields(a, m.result);
}
auto members(given_back& m) { return std::tie(m.id, m.attempt); }
auto members(drain_request&) { return std::tie(); }
auto members(status_request&) { return std::tie(); }
auto members(status_reply& m) { return std::tie(m.json); }

auto members(limit_ask& m) { return std::tie(m.number, m.limit, m.share, m.unused_for); }
auto members(limit_answer& m) { return std::tie(m.number, m.holder, m.hash_key, m.share); }

void encode(const message& m, std::uint16_t version, std::string& out) {
  byte_writer writer(out, version);
  std::visit([&](const auto& alternative) { writer(alternative); }, m);
}

expected<std::optional<message>> decode(std::uint8_t type, std::string_view bytes,
                                        std::uint16_t version) {
  if (type >= std::variant_size_v<message>) return std::optional<message>{};
  byte_reader reader(bytes, version);
  message m;
  read_alternative(reader, type, m);
  routes_depth = 0;
  if (!reader.ok() || !reader.at_end())
    return fail(core_error("a machine sent a message of type " + std::to_string(type) +
                           " that cannot be read as protocol version " + std::to_string(version)));
  return m;
}

}  // namespace graphbit::cluster
