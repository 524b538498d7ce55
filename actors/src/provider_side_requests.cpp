// What a provider needs beside calls: a model that is brought into memory before the first one, or
// onto the server when a call finds it missing.
#include <graphbit/runtime/log.hpp>

#include "live_call.hpp"

namespace graphbit {

namespace {

/// A handler for one answer.
class single_answer final : public http_handler {
 public:
  explicit single_answer(std::function<void(expected<http_response>)> then)
      : then_(std::move(then)) {}
  void on_done(expected<http_response> result) override {
    const std::unique_ptr<single_answer> self(this);  // lived for this one answer
    then_(std::move(result));
  }

 private:
  std::function<void(expected<http_response>)> then_;
};

}  // namespace

http_timeouts provider_shard::side_timeouts() const {
  const auto& config = setup_.endpoint->config;
  return {.connect = config.connect_timeout,
          .tls = config.tls_timeout,
          .idle = config.idle_timeout,
          .total_at = steady_clock::now() + config.call_timeout};
}

// An answer outside 2xx comes as its error.
void provider_shard::ask_aside(const provider_endpoint& endpoint, side_request request,
                               side_answer then) {
  http_request sent;
  sent.target = std::make_shared<const std::string>(
      (endpoint.at.target == "/" ? "" : endpoint.at.target) + request.target);
  sent.headers = endpoint.headers;
  sent.body = std::move(request.body);
  auto answered = [alive = alive_, wire = endpoint.wire, config = endpoint.config,
                   then = std::move(then)](expected<http_response> result) {
    if (result && (result->status < 200 || result->status >= 300))
      result = fail(wire->decode_error(config, *result));
    if (*alive) then(std::move(result));
  };
  http_.start(std::move(sent), side_timeouts(), *new single_answer(std::move(answered)));
}

// --- warm-up -------------------------------------------------------------------------------------

// Nothing billable: a connection, and where the model is loaded on demand, the model.
void provider_shard::warm_up(std::function<void(expected<void>)> done) {
  const auto& endpoint = *setup_.endpoint;
  if (endpoint.wire->warm_up(endpoint.config)) return load_model(true, std::move(done));
  auto connected = [done = std::move(done)](const expected<http_response>& result) {
    done(result ? expected<void>() : fail(result.error()));
  };
  http_.warm_up(side_timeouts(), *new single_answer(std::move(connected)));
}

void provider_shard::load_model(bool may_mend, std::function<void(expected<void>)> done) {
  const auto& endpoint = *setup_.endpoint;
  auto loaded = [this, may_mend, done = std::move(done)](const expected<http_response>& result) {
    if (result) return done({});
    const auto& own = *setup_.endpoint;
    auto remedy = own.wire->remedy(own.config, result.error());
    if (!may_mend || !remedy) return done(fail(result.error()));
    ask_aside(own, std::move(*remedy), [this, done](const expected<http_response>& brought) {
      brought ? load_model(false, done) : done(fail(brought.error()));
    });
  };
  ask_aside(endpoint, *endpoint.wire->warm_up(endpoint.config), std::move(loaded));
}

// --- remedies ------------------------------------------------------------------------------------

// True: the call waits for something that makes it possible, without a slot or an attempt out.
// Equal remedies are asked for once. One goes on when nobody waits any more, for those who come
// later.
bool provider_shard::mend(live_call& call, const error& refusal) {
  if (call.refusal || call.retry.delivered) return false;
  const auto& endpoint = *call.endpoint;
  auto remedy = endpoint.wire->remedy(endpoint.config, refusal);
  if (!remedy) return false;
  call.refusal = refusal;
  call.at = live_call::stage::mending;
  call.round_began = steady_clock::now();
  wait_until(call, std::min(call.retry.deadline_at, call.round_began + *call.retry.work_left));
  const auto name = remedy->target + ' ' + remedy->body;
  const auto [place, is_first] = mending_.try_emplace(name);
  place->second.push_back(call.pending->id);
  if (!is_first) return true;
  log(log_level::info, "actors", refusal.message + ": asking for it at " + remedy->target);
  ask_aside(endpoint, std::move(*remedy),
            [this, name](const expected<http_response>& result) { mended(name, result); });
  return true;
}

void provider_shard::mended(const std::string& remedy, const expected<http_response>& result) {
  const auto waiting = mending_.extract(remedy);
  if (waiting.empty()) return;
  for (const auto id : waiting.mapped()) {
    const auto found = calls_.find(id);
    if (found == calls_.end() || found->second->at != live_call::stage::mending) continue;
    auto& call = *found->second;
    call.wake_at = never;
    call.at = live_call::stage::arriving;
    if (result) {
      *call.retry.work_left -= steady_clock::now() - call.round_began;
      pass_breaker(call);
      continue;
    }
    auto e = std::move(*call.refusal);
    e.message += "; asking for it failed: " + result.error().message;
    finish_with(call, std::move(e));
  }
}

}  // namespace graphbit
