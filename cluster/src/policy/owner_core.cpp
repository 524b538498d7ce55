#include "owner_core.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <graphbit/actors/limit_authority.hpp>

namespace graphbit::cluster {

namespace {

// Members enforce deadlines; the owner only when one has not answered long after.
constexpr milliseconds deadline_grace{2'000};

// What is in flight counts by endpoint, model and key, whatever else configurations say.
[[nodiscard]] std::uint64_t limit_of(const provider_config& c) {
  const auto name = c.base_url + '\0' + c.model + '\0' + c.api_key.expose();
  return std::max<std::uint64_t>(1, std::hash<std::string>{}(name));
}

[[nodiscard]] item_needs needs_of(const work_order& order) {
  item_needs needs{.priority = order.options.priority, .session = order.options.session};
  if (const auto* call = std::get_if<function_call>(order.request.get()))
    needs.callable = call->name;
  if (!order.config) return needs;
  needs.rated = order.config->rpm || order.config->tpm;
  if (order.config->max_in_flight) {
    needs.limit = limit_of(*order.config);
    needs.in_flight_max = *order.config->max_in_flight;
  }
  return needs;
}

[[nodiscard]] error deadline_error(time_point submitted_at, time_point now) {
  return timeout_error("cluster", std::chrono::duration_cast<milliseconds>(now - submitted_at),
                       "the deadline passed before a member of the cluster had answered");
}

}  // namespace

owner_core::owner_core(owner_settings settings, effects& out, time_point now)
    : settings_(std::move(settings)),
      out_(out),
      placement_(settings_.placement),
      member_seen_at_(now) {}

void owner_core::submit(item_id id, work_order order, time_point now) {
  if (links_.empty() && orders_.empty()) member_seen_at_ = now;  // patience begins with the work
  placement_.add(id, needs_of(order));
  orders_.emplace(id, open_order{.order = std::move(order), .submitted_at = now});
}

void owner_core::end(item_id id, work_result result) {
  orders_.erase(id);
  out_.ended(id, std::move(result));
}

void owner_core::cancel(item_id id) {
  if (!orders_.contains(id)) return;
  if (const auto where = placement_.remove(id))
    out_.send(where->link, cancel_item{id, where->attempt});
  end(id, cancelled_error("cluster"));
}

void owner_core::consumed_by_reader(item_id id, std::uint32_t pieces) {
  if (const auto where = placement_.where(id))
    out_.send(where->link, consumed{id, where->attempt, pieces});
}

void owner_core::link_up(link_id link, const member_record& member) {
  links_[link] = {.name = member.name};
  placement_.link_up(link, member);
  tell_demand();
}

void owner_core::link_changed(link_id link, const member_record& member) {
  placement_.link_changed(link, member);
}

void owner_core::link_down(link_id link, const std::string& why) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  const auto name = found->second.name;
  links_.erase(found);
  trouble_ = name + ": " + why;
  const auto end = placement_.link_down(link);
  for (const auto id : end.requeued) resume_elsewhere(id, why);
  for (const auto id : end.abandoned) {
    auto e =
        network_error("the work was given up: " + std::to_string(settings_.placement.attempts_max) +
                      " members of the cluster were lost while they carried it out");
    e.retry = retry_rule::never;
    this->end(id, std::move(e));
  }
}

// An item whose member is gone is in the queue again. A stream that has said something follows its
// caller's wish.
void owner_core::resume_elsewhere(item_id id, const std::string& why) {
  auto& o = orders_.at(id);
  if (o.said.empty()) return;
  if (o.order.options.on_stream_failure != stream_failure::error) return take_up_stream(id, o);
  auto e = network_error("the stream broke: the member of the cluster that gave it was lost (" +
                         why + ")");
  e.retry = retry_rule::never;
  e.partial_text = std::move(o.said);
  static_cast<void>(placement_.remove(id));
  end(id, std::move(e));
}

void owner_core::take_up_stream(item_id id, open_order& o) {
  if (o.order.options.on_stream_failure == stream_failure::restart) {
    o.said.clear();
    return out_.restarted(id);
  }
  auto request = std::get<chat_request>(*o.order.request);
  request.messages.push_back({.role = chat_role::assistant, .text = o.said});
  request.messages.push_back(
      {.role = chat_role::user,
       .text = "Your answer was cut off. Continue it exactly where it ended, without repeating "
               "anything."});
  o.order.request = std::make_shared<const work_request>(std::move(request));
}

// What was refused is free after a share's time and a minute; a member without work does not ask.
void owner_core::share_leased(link_id link, bool granted, time_point now) {
  constexpr auto starved_for = limit_share_lasts + policy::limit_shares::cool_for + seconds(5);
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  found->second.starved_until = granted ? never : now + starved_for;
  placement_.set_starved(link, !granted);
}

bool owner_core::receive(link_id link, message m) {
  if (!links_.contains(link)) return true;
  if (auto* outcome = std::get_if<work_outcome>(&m)) {
    if (!placement_.finish(outcome->id, outcome->attempt, link)) return true;  // fenced off
    auto& o = orders_.at(outcome->id);
    auto* answer = std::get_if<chat_response>(&outcome->result);
    const bool continued = o.order.options.on_stream_failure == stream_failure::continue_;
    if (answer != nullptr && continued && !o.said.empty()) answer->content = std::move(o.said);
    end(outcome->id, std::move(outcome->result));
  } else if (auto* text = std::get_if<stream_text>(&m)) {
    if (stale(text->id, text->attempt, link)) return true;
    auto& said = orders_.at(text->id).said;
    for (const auto& piece : text->pieces) said += piece;
    out_.text(text->id, std::move(text->pieces));
  } else if (const auto* granted = std::get_if<credit>(&m)) {
    placement_.set_window(link, granted->window);
  } else if (const auto* back = std::get_if<given_back>(&m)) {
    const bool was_current = placement_.current(back->id, back->attempt, link);
    placement_.give_back(back->id, back->attempt, link);
    if (was_current) resume_elsewhere(back->id, "it is draining");
  } else if (const auto* again = std::get_if<stream_restart>(&m)) {
    if (stale(again->id, again->attempt, link)) return true;
    orders_.at(again->id).said.clear();
    out_.restarted(again->id);
  } else {
    return false;
  }
  return true;
}

std::uint32_t owner_core::number_of(const std::shared_ptr<const provider_config>& config) {
  const auto next = static_cast<std::uint32_t>(numbers_.size() + 1);
  return numbers_.try_emplace(config.get(), next, config).first->second.first;
}

void owner_core::send_item(const placement::assignment& to, time_point now) {
  auto& link = links_.at(to.link);
  const auto& order = orders_.at(to.item).order;
  work_item item{.id = to.item,
                 .attempt = to.attempt,
                 .stream = order.stream,
                 .options = order.options,
                 .request = order.request};
  if (order.config) {
    item.configuration = number_of(order.config);
    if (link.configurations.insert(order.config.get()).second)
      out_.send(to.link,
                configuration{item.configuration, *order.config, settings_.share_credentials});
  }
  if (order.options.deadline_at != never)
    item.deadline_in = remaining(order.options.deadline_at, now);
  if (order.options.pause_when && !*order.options.pause_when)
    item.options.pause_max = milliseconds{0};
  out_.send(to.link, std::move(item));
}

void owner_core::dispatch(time_point now) {
  for (auto& [id, link] : links_)
    if (link.starved_until <= now) {
      link.starved_until = never;
      placement_.set_starved(id, false);
    }
  for (const auto& to : placement_.dispatch()) send_item(to, now);
  tell_demand();
}

// Members divide their slots by what owners have waiting: told when it begins, ends, or doubles.
void owner_core::tell_demand() {
  const auto waiting =
      static_cast<std::uint32_t>(std::min<std::size_t>(placement_.waiting(), 1u << 24));
  for (auto& [id, link] : links_) {
    const bool flipped = (waiting == 0) != (link.demand_told == 0);
    const bool far = waiting > 2 * link.demand_told || waiting < link.demand_told / 2;
    if (!flipped && !far) continue;
    link.demand_told = waiting;
    out_.send(id, demand{waiting});
  }
}

bool owner_core::lacks_its_function(const open_order& o, time_point now) const {
  const auto* call = std::get_if<function_call>(o.order.request.get());
  return call != nullptr && now - o.submitted_at > settings_.outage_max &&
         !placement_.offers(call->name);
}

error owner_core::desertion() const {
  if (links_.empty())
    return network_error("no member of the cluster can be reached" +
                         (trouble_.empty() ? "" : " (" + trouble_ + ")"));
  return network_error("no member of the cluster takes this work: check labels and functions");
}

void owner_core::tick(time_point now) {
  std::vector<std::pair<item_id, error>> late;
  if (placement_.has_suitable_member()) member_seen_at_ = now;
  const bool deserted = now - member_seen_at_ > settings_.outage_max;
  for (const auto& [id, o] : orders_) {
    const auto deadline = o.order.options.deadline_at;
    const bool waiting = !placement_.where(id);
    if (deadline != never && now >= deadline + (waiting ? milliseconds{0} : deadline_grace))
      late.emplace_back(id, deadline_error(o.submitted_at, now));
    else if (waiting && (deserted || lacks_its_function(o, now)))
      late.emplace_back(id, desertion());
  }
  for (auto& [id, e] : late) {
    if (const auto where = placement_.remove(id))
      out_.send(where->link, cancel_item{id, where->attempt});
    e.retry = retry_rule::never;
    end(id, std::move(e));
  }
  dispatch(now);
}

}  // namespace graphbit::cluster
