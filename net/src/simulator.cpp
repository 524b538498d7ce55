#include <graphbit/net/simulator.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <rapidjson/document.h>

#include <graphbit/runtime/json_scan.hpp>
#include <graphbit/runtime/json_value.hpp>
#include <graphbit/runtime/random.hpp>

#include "simulator/compress.hpp"
#include "simulator/delivery.hpp"
#include "simulator/endpoints.hpp"
#include "simulator/json_access.hpp"
#include "simulator/settings.hpp"
#include "simulator/traffic.hpp"

namespace graphbit::sim {

namespace {

// The encoding is checked before: many times faster than by the parser.
constexpr unsigned parse_flags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
constexpr std::size_t body_depth_max = limits::json_depth_max;

duration milliseconds_of(double ms) {
  return std::chrono::duration_cast<duration>(std::chrono::duration<double, std::milli>(ms));
}

/// True when values nest deeper than `levels`, so that nothing that walks a body recurses further.
bool deeper_than(const json& value, std::size_t levels) {
  if (!value.IsObject() && !value.IsArray()) return false;
  if (levels == 0) return true;
  if (value.IsArray())
    return std::any_of(value.Begin(), value.End(),
                       [&](const json& item) { return deeper_than(item, levels - 1); });
  return std::any_of(value.MemberBegin(), value.MemberEnd(),
                     [&](const auto& m) { return deeper_than(m.value, levels - 1); });
}

}  // namespace

class simulator::impl {
 public:
  explicit impl(simulator_options options)
      : how_(std::move(options.behave)),
        script_text_(std::move(options.script)),
        server_(std::move(options.server), [this](const http_exchange& e) { serve(e); }) {}

  expected<void> start();
  void stop() { server_.stop(); }
  expected<void> configure(std::string_view json);
  expected<void> load_script(std::string_view json);
  std::string counters_json() { return traffic_.to_json(server_.stats()); }
  void reset();
  /// Makes limits and outages what the settings say.
  void apply();

  [[nodiscard]] http_server& server() noexcept { return server_; }

 private:
  void serve(const http_exchange& e);
  void control(const http_exchange& e);
  outcome answer(const http_exchange& e, const endpoint& at, fault broken);
  void over(bool complete, fault broken);
  outcome ask(scene& s, const endpoint& at);
  outcome limited(const scene& s, reply&& r);
  std::optional<refusal> refuse_key(const wire& family, const http_server_request& request) const;
  bool parse(std::string& text);
  fault draw_fault();
  double draw_latency_ms();
  delivery_plan plan_for(const reply& r, fault broken);
  void send(const http_exchange& e, const endpoint& at, outcome&& result, fault broken);
  void schedule_outages();
  void set_dead(bool refuse, bool dead);
  std::string next_id();

  // All of it on the server's thread while that runs.
  behaviour how_;
  std::string script_text_;
  script script_;
  prediction_store jobs_;
  traffic traffic_;
  allowances left_;
  random_source random_{1};
  std::uint64_t ids_ = 0;
  std::uint64_t outage_epoch_ = 0;
  bool resetting_ = false;  // accepts connections and resets them
  bool dropping_ = false;   // an outage begins
  time_point started_at_{};

  char pool_[64 * 1024];
  rapidjson::MemoryPoolAllocator<> allocator_{pool_, sizeof pool_};
  rapidjson::Document body_{&allocator_};

  http_server server_;  // last: its thread uses what is above
};

// ---- life and settings -------------------------------------------------------------------------

expected<void> simulator::impl::start() {
  if (auto checked = check_settings(how_); !checked) return checked;
  auto parsed = script::parse(script_text_);
  if (!parsed) return fail(parsed.error());
  script_ = std::move(*parsed);
  traffic_ = {};
  if (auto started = server_.start(); !started) return started;
  server_.call([this] {
    started_at_ = steady_clock::now();
    random_ = random_source(how_.seed);
    apply();
  });
  return {};
}

expected<void> simulator::impl::configure(std::string_view json) {
  auto changed = apply_settings(how_, json);
  if (!changed) return fail(changed.error());
  const bool new_seed = changed->seed != how_.seed;
  how_ = std::move(*changed);
  if (new_seed) random_ = random_source(how_.seed);
  return {};
}

expected<void> simulator::impl::load_script(std::string_view json) {
  auto parsed = script::parse(json);
  if (!parsed) return fail(parsed.error());
  script_ = std::move(*parsed);
  script_text_ = json;
  return {};
}

void simulator::impl::reset() {
  traffic_.reset();
  random_ = random_source(how_.seed);
  ids_ = 0;
  left_ = {};
  started_at_ = steady_clock::now();
  apply();
}

void simulator::impl::apply() {
  const auto now = steady_clock::now();
  left_.requests.limit(how_.rate_limit_requests, now);
  left_.tokens.limit(how_.rate_limit_tokens, now);
  set_dead(false, false);
  set_dead(true, how_.down);
  schedule_outages();
}

void simulator::impl::schedule_outages() {
  const auto epoch = ++outage_epoch_;
  const auto now = steady_clock::now();
  for (const auto& text : how_.outages) {
    const auto parsed = parse_outage(text);
    if (!parsed || started_at_ + parsed->to <= now) continue;
    const auto at = [&](duration when, bool dead) {
      server_.after(std::max(duration::zero(), started_at_ + when - now),
                    [this, epoch, dead, refuse = parsed->refuse] {
                      if (epoch == outage_epoch_) set_dead(refuse, dead);
                    });
    };
    at(parsed->from, true);
    at(parsed->to, false);
  }
}

void simulator::impl::set_dead(bool refuse, bool dead) {
  if (refuse)
    server_.refuse_connections(dead);
  else
    resetting_ = dead;
  if (!dead) return;
  dropping_ = true;
  server_.drop_connections();
  dropping_ = false;
}

// ---- one request -------------------------------------------------------------------------------

void simulator::impl::serve(const http_exchange& e) {
  const auto& request = e.request();
  if (request.path().substr(0, 6) == "/_sim/") return control(e);
  traffic_.arrived();
  if (const auto key = request.header("idempotency-key"); !key.empty())
    traffic_.idempotency_key(key);
  const auto* at = find_endpoint(request.method(), request.path());
  const auto broken = resetting_ ? fault::reset : draw_fault();
  if (!at) {
    static constexpr endpoint unknown{"", "", "", openai_wire, nullptr};
    e.on_over([this](bool complete) { over(complete, fault::none); });
    refusal why;
    why.status = 404;
    why.code = "unknown_url";
    why.type = "invalid_request_error";
    why.message = "Unknown request URL: " + std::string(request.method()) + " " +
                  std::string(request.path()) + ". Please check the URL for typos.";
    return send(e, unknown, tl::unexpected(std::move(why)), fault::none);
  }
  auto result = answer(e, *at, broken);
  if (broken == fault::reset || broken == fault::hang) {
    traffic_.answered(request.path(), broken == fault::reset ? "reset" : "hang");
    if (broken == fault::reset) e.reset();
    return;
  }
  send(e, *at, std::move(result), broken);
}

outcome simulator::impl::answer(const http_exchange& e, const endpoint& at, fault broken) {
  auto& request = e.request();
  static const json nothing;
  const auto& family = at.family();
  std::optional<std::uint64_t> hash;
  outcome result;
  if (auto why = refuse_key(family, request)) {
    result = tl::unexpected(std::move(*why));
  } else if (at.method == "POST" && !parse(request.mutable_body())) {
    refusal bad;
    bad.message =
        "We could not parse the JSON body of your request. (HINT: This likely means you "
        "aren't using your HTTP library correctly.)";
    result = tl::unexpected(std::move(bad));
  } else {
    scene s{request, at.method == "POST" ? body_ : nothing, how_, script_, jobs_, family, next_id(),
            broken};
    result = ask(s, at);
    hash = s.prompt_hash;
  }
  if (hash) traffic_.prompt_asked(*hash);
  const bool counts = hash && result && result->status == 200;
  e.on_over([this, counts, broken, hash = hash.value_or(0)](bool complete) {
    over(complete, broken);
    if (complete && counts) traffic_.prompt_answered(hash);
  });
  return result;
}

/// An answer that was not completed means a client that went, unless it was us who broke it.
void simulator::impl::over(bool complete, fault broken) {
  const bool by_us = dropping_ || broken == fault::reset || broken == fault::reset_mid ||
                     broken == fault::truncate;
  traffic_.over(!complete && !by_us);
}

outcome simulator::impl::ask(scene& s, const endpoint& at) {
  auto result = at.answer(s);
  left_.now = steady_clock::now();
  refusal why;
  switch (s.broken) {
    case fault::status_429:
      why.status = 429;
      why.message = "Rate limit reached. Please try again later.";
      why.retry_after_s = how_.retry_after_s;
      return tl::unexpected(std::move(why));
    case fault::status_500:
      why.status = 500;
      why.message = "The server had an error while processing your request. Sorry about that!";
      return tl::unexpected(std::move(why));
    case fault::status_503:
      why.status = 503;
      why.message = "The engine is currently overloaded, please try again later.";
      why.retry_after_s = how_.retry_after_s;
      return tl::unexpected(std::move(why));
    default:
      return result ? limited(s, std::move(*result)) : std::move(result);
  }
}

outcome simulator::impl::limited(const scene& s, reply&& r) {
  const auto tokens = static_cast<double>(r.tokens);
  if (left_.requests.take(1, left_.now) && left_.tokens.take(tokens, left_.now))
    return std::move(r);
  refusal why;
  why.status = 429;
  why.message =
      "Rate limit reached for " + std::string(s.request.path()) + ". Please try again later.";
  why.retry_after_s =
      std::max(left_.requests.ready_in_s(1, left_.now), left_.tokens.ready_in_s(tokens, left_.now));
  return tl::unexpected(std::move(why));
}

std::optional<refusal> simulator::impl::refuse_key(const wire& family,
                                                   const http_server_request& request) const {
  if (how_.required_key.empty() && how_.wrong_keys.empty()) return std::nullopt;
  const auto key = family.key(request);
  const auto& wrong = how_.wrong_keys;
  if (std::find(wrong.begin(), wrong.end(), key) == wrong.end() &&
      (how_.required_key.empty() || key == how_.required_key))
    return std::nullopt;
  refusal why;
  why.status = family.key_refused_status();
  why.code = "invalid_api_key";
  why.message = key.empty() ? "You didn't provide an API key."
                            : "Incorrect API key provided. Check the key of your account.";
  return why;
}

bool simulator::impl::parse(std::string& text) {
  if (!is_utf8(text)) return false;
  body_.SetNull();
  allocator_.Clear();
  body_.ParseInsitu<parse_flags>(text.data());
  return !body_.HasParseError() && body_.IsObject() && !deeper_than(body_, body_depth_max);
}

void simulator::impl::send(const http_exchange& e, const endpoint& at, outcome&& result,
                           fault broken) {
  const auto& family = at.family();
  const auto request_id = next_id();
  reply r;
  if (result) {
    r = std::move(*result);
  } else {
    auto& why = result.error();
    why.request_id = request_id;
    r.status = why.status;
    r.headers = std::move(why.headers);
    if (why.retry_after_s > 0) family.write_retry_after(why.retry_after_s, r.headers);
    family.write_refusal(why, r.body.bytes);
  }
  family.write_headers(request_id, left_, r.headers);
  traffic_.answered(e.request().path(), std::to_string(r.status));
  if (how_.compress && e.request().header("accept-encoding").find("gzip") != std::string_view::npos)
    compress(r);
  const auto plan = plan_for(r, broken);
  deliver(e, std::move(r), plan);
}

delivery_plan simulator::impl::plan_for(const reply& r, fault broken) {
  delivery_plan plan;
  const bool stream = !r.body.ends.empty();
  const auto usual_ms = stream && how_.first_chunk_ms > 0 ? how_.first_chunk_ms : draw_latency_ms();
  plan.delay = milliseconds_of(r.latency_ms >= 0 ? r.latency_ms : usual_ms);
  plan.chunk_interval = milliseconds_of(how_.chunk_interval_ms);
  plan.drip_interval = milliseconds_of(how_.drip_interval_ms);
  plan.drip_bytes = how_.drip_bytes;
  if (broken == fault::reset_mid || broken == fault::truncate || broken == fault::stall ||
      broken == fault::drip)
    plan.broken = broken;
  return plan;
}

fault simulator::impl::draw_fault() {
  const std::pair<double, fault> chances[] = {
      {how_.fault_429, fault::status_429},      {how_.fault_500, fault::status_500},
      {how_.fault_503, fault::status_503},      {how_.fault_reset, fault::reset},
      {how_.fault_reset_mid, fault::reset_mid}, {how_.fault_error_mid, fault::error_mid},
      {how_.fault_truncate, fault::truncate},   {how_.fault_stall, fault::stall},
      {how_.fault_hang, fault::hang},           {how_.fault_drip, fault::drip}};
  double u = random_.uniform();
  for (const auto& [chance, what] : chances) {
    if (u < chance) return what;
    u -= chance;
  }
  return fault::none;
}

double simulator::impl::draw_latency_ms() {
  if (how_.latency_sigma <= 0 || how_.latency_ms <= 0) return how_.latency_ms;
  const auto radius = std::sqrt(-2 * std::log(1 - random_.uniform()));
  const auto normal = radius * std::cos(2 * M_PI * random_.uniform());
  return how_.latency_ms * std::exp(how_.latency_sigma * normal);
}

std::string simulator::impl::next_id() {
  auto n = random_source(how_.seed ^ ++ids_ * 0x9e3779b97f4a7c15ULL).next();
  std::string id(16, '0');
  for (auto& c : id) {
    c = "0123456789abcdef"[n & 15];
    n >>= 4;
  }
  return id;
}

// ---- the control pages -------------------------------------------------------------------------

void simulator::impl::control(const http_exchange& e) {
  const auto& request = e.request();
  const auto what = request.path().substr(6);
  const bool post = request.method() == "POST";
  expected<void> result;
  if (what == "counters" && !post) return e.respond(200, "application/json", counters_json());
  if (what == "config" && post)
    result = configure(request.body());
  else if (what == "script" && post)
    result = load_script(request.body());
  else if (what == "reset" && post)
    reset();
  else
    return e.respond(404, "application/json",
                     R"({"error":"GET counters; POST config, script or reset"})");
  if (result) {
    e.respond(200, "application/json", R"({"ok":true})");
    return server_.post([this] { apply(); });  // it may end this very connection
  }
  e.respond(400, "application/json",
            to_json(json_value::object{{"error", describe(result.error())}}));
}

// ---- the door ----------------------------------------------------------------------------------

simulator::simulator(simulator_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}

simulator::~simulator() { stop(); }

expected<void> simulator::start() { return impl_->start(); }

void simulator::stop() { impl_->stop(); }

std::string simulator::url() const { return impl_->server().url(); }

std::uint16_t simulator::port() const noexcept { return impl_->server().port(); }

expected<void> simulator::configure(std::string_view json) {
  expected<void> result;
  impl_->server().call([&] {
    result = impl_->configure(json);
    if (result) impl_->apply();
  });
  return result;
}

expected<void> simulator::load_script(std::string_view json) {
  expected<void> result;
  impl_->server().call([&] { result = impl_->load_script(json); });
  return result;
}

std::string simulator::counters() {
  std::string text;
  impl_->server().call([&] { text = impl_->counters_json(); });
  return text;
}

void simulator::reset() {
  impl_->server().call([&] { impl_->reset(); });
}

}  // namespace graphbit::sim
