#include "message.hpp"

#include <utility>

#include "archive.hpp"
#include "credentials.hpp"

// The `fields` functions name what travels, once for both directions. They live in graphbit, where
// the archives find them beside the types.
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

template <class A>
void fields(A& a, tls_options& t) {
  a(t.verify, t.ca_file, t.client_cert_file, t.client_key_file);
}

template <class A>
void fields(A& a, provider_config& c);

template <class A>
void fields(A& a, provider_routes& r) {
  a(r.strategy, r.targets);
}

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

template <class A>
void fields(A& a, content_part& p) {
  a(p.type, p.data, p.media_type, p.name);
}
template <class A>
void fields(A& a, tool_call& t) {
  a(t.id, t.name, t.arguments);
}
template <class A>
void fields(A& a, tool_spec& t) {
  a(t.name, t.description, t.parameters);
}
template <class A>
void fields(A& a, chat_message& m) {
  a(m.role, m.text, m.parts, m.tool_calls, m.tool_call_id);
}
template <class A>
void fields(A& a, chat_request& r) {
  a(r.messages, r.model, r.max_tokens, r.temperature, r.top_p, r.tools, r.tool_choice,
    r.response_format, r.extra_body, r.prompt_caching);
}
template <class A>
void fields(A& a, embedding_request& r) {
  a(r.inputs, r.model, r.dimensions, r.extra_body);
}
template <class A>
void fields(A& a, token_usage& u) {
  a(u.prompt_tokens, u.completion_tokens, u.total_tokens, u.cache_read_tokens,
    u.cache_creation_tokens, u.reasoning_tokens);
}
template <class A>
void fields(A& a, finish_reason& f) {
  a(f.type, f.text);
}
template <class A>
void fields(A& a, chat_response& r) {
  a(r.content, r.model, r.id, r.tool_calls, r.usage, r.finish, r.provider, r.request_id, r.attempts,
    r.latency_us, r.cost, r.cached);
}
template <class A>
void fields(A& a, embedding_response& r) {
  a(r.vectors, r.model, r.usage, r.request_id, r.attempts, r.latency_us, r.cost);
}
template <class A>
void fields(A& a, error& e) {
  a(e.kind, e.message, e.field, e.value, e.operation, e.provider, e.resource_type, e.request_id,
    e.partial_text, e.status, e.attempts, e.retry_after, e.duration, e.retry, e.breaker,
    e.cancelled);
}
template <class A>
void fields(A& a, trace_context& t) {
  a(t.trace_high, t.trace_low, t.span, t.sampled);
}
template <class A>
void fields(A& a, call_options& o) {
  a(o.work_budget, o.priority, o.max_retries, o.pause_max, o.idempotency_key, o.session,
    o.on_stream_failure, o.fresh, o.debug);
  if (a.version() >= 3) a(o.trace);
}
}  // namespace graphbit

namespace graphbit::policy {

template <class A>
void fields(A& a, limiter_settings& l) {
  a(l.in_flight_max, l.requests_per_minute, l.tokens_per_minute);
}
template <class A>
void fields(A& a, share_request& r) {
  a(r.holder, r.token, r.limits, r.wanted, r.weight);
}
template <class A>
void fields(A& a, limit_share& s) {
  a(s.token, s.amount, s.ends_in, s.ask_after);
}

}  // namespace graphbit::policy

namespace graphbit::cluster {

template <class A>
void fields(A& a, hello& m) {
  a(m.version, m.version_min, m.role, m.cluster, m.name, m.incarnation, m.weight, m.nonce,
    m.certificate);
}
template <class A>
void fields(A& a, welcome& m) {
  a(m.version, m.name, m.incarnation, m.nonce, m.certificate, m.signature);
}
template <class A>
void fields(A& a, proof& m) {
  a(m.signature);
}
template <class A>
void fields(A& a, refused& m) {
  a(m.why);
}
template <class A>
void fields(A& a, heartbeat& m) {
  a(m.beat);
}
template <class A>
void fields(A& a, member_record& m) {
  a(m.name, m.address, m.incarnation, m.beat, m.state, m.slots, m.labels, m.callables);
}
template <class A>
void fields(A& a, member_view& m) {
  a(m.members);
}
template <class A>
void fields(A& a, demand& m) {
  a(m.waiting);
}
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
template <class A>
void fields(A& a, function_call& m) {
  a(m.name, m.arguments);
}
template <class A>
void fields(A& a, function_value& m) {
  a(m.json);
}

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
template <class A>
void fields(A& a, cancel_item& m) {
  a(m.id, m.attempt);
}
template <class A>
void fields(A& a, consumed& m) {
  a(m.id, m.attempt, m.pieces);
}
template <class A>
void fields(A& a, credit& m) {
  a(m.window);
}
template <class A>
void fields(A& a, stream_text& m) {
  a(m.id, m.attempt, m.pieces);
}
template <class A>
void fields(A& a, stream_restart& m) {
  a(m.id, m.attempt);
}
template <class A>
void fields(A& a, work_outcome& m) {
  a(m.id, m.attempt);
  variant_fields(a, m.result);
}
template <class A>
void fields(A& a, given_back& m) {
  a(m.id, m.attempt);
}
template <class A>
void fields(A&, drain_request&) {}
template <class A>
void fields(A&, status_request&) {}
template <class A>
void fields(A& a, status_reply& m) {
  a(m.json);
}

template <class A>
void fields(A& a, limit_ask& m) {
  a(m.number, m.limit, m.share, m.unused_for);
}
template <class A>
void fields(A& a, limit_answer& m) {
  a(m.number, m.holder, m.hash_key, m.share);
}

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
