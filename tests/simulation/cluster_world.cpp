#include "cluster_world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <graphbit/cluster/node.hpp>
#include <graphbit/cluster/owner.hpp>
#include <graphbit/runtime/random.hpp>

#include <src/policy/failure_detector.hpp>
#include <src/policy/member_core.hpp>
#include <src/policy/membership.hpp>
#include <src/policy/owner_core.hpp>

#include "shared_limit.hpp"
#include "timeline.hpp"

namespace graphbit::sim {

namespace {

using namespace graphbit::cluster;
using std::size_t;

constexpr duration heartbeat_interval = milliseconds(500);
constexpr duration faults_last = seconds(20);
constexpr duration patience = seconds(400);

class world;

/// One connection. Either end may believe it open after the other has given it up.
struct wire {
  link_id id = 0;
  size_t owner = 0, member = 0;
  bool owner_open = true, member_open = true;
  time_point owner_gave_up{};  // unless open
  failure_detector owner_hears, member_hears;
  time_point to_owner{}, to_member{};  // nothing overtakes: TCP
};

struct sim_member final : member_core::effects {
  sim_member(world& w, size_t index) : home(w), index(index) {}
  void send(session_id to, message m) override;
  void start(job_id job, const work_item& item, const configuration*) override;
  void stop(job_id job) override;
  void resume(job_id) override {}
  void close(session_id, const std::string& why) override {
    throw broken_promise("a member closed an honest owner's connection: " + why);
  }

  world& home;
  size_t index;
  bool alive = false;
  std::uint64_t life = 0;  // of the process: what an earlier one had under way is void
  double speed = 1;        // of its clock
  std::uint32_t slots = 1;
  std::unique_ptr<member_core> core;
  membership views;
  std::map<job_id, item_id> running;
};

struct sim_owner final : owner_core::effects {
  sim_owner(world& w, size_t index) : home(w), index(index) {}
  void send(link_id to, message m) override;
  void text(item_id, std::vector<std::string>) override {}
  void restarted(item_id) override {}
  void ended(item_id id, work_result result) override;

  world& home;
  size_t index;
  std::unique_ptr<owner_core> core;
};

/// What the referee knows of an item.
struct item_history {
  size_t owner = 0;
  std::uint32_t starts = 0;
  bool ended = false;     // its caller was told something
  bool answered = false;  // by a member
  bool rated = false;     // counts in the limit that members share
  bool bounded = false;   // counts in its owner's bound of calls in flight
  link_id started_on = 0;
};

class world {
 public:
  explicit world(std::uint64_t seed) : random_(seed) {
    const auto owners = 1 + random_.below(3);
    const auto members = 1 + random_.below(5);
    loss_ = random_.below(3) == 0 ? 0.05 : 0.0;
    delay_ = milliseconds(1 + random_.below(random_.below(4) == 0 ? 200 : 10));
    if (random_.below(4) == 0) limit_.emplace(time, random_, members);
    bounded_in_flight_max_ = static_cast<std::uint32_t>(1 + random_.below(4));
    for (size_t i = 0; i < members; ++i) {
      members_.push_back(std::make_unique<sim_member>(*this, i));
      members_.back()->slots = static_cast<std::uint32_t>(1 + random_.below(8));
      members_.back()->speed = 0.9 + 0.2 * random_.uniform();
      start_member(i);
    }
    for (size_t i = 0; i < owners; ++i) {
      owners_.push_back(std::make_unique<sim_owner>(*this, i));
      owners_.back()->core = std::make_unique<owner_core>(
          owner_settings{.placement = {.attempts_max = 1000}, .outage_max = seconds(3600)},
          *owners_.back(), time.now());
      submit_items(i);
      tick_owner(i);
    }
    for (size_t i = 0; i < members; ++i) tick_member(i);
    plan_faults();
  }

  cluster_report run() {
    const auto began = time.now();
    const auto until =
        began + patience + (limit_ ? shared_limit::comes_back_within * 3 : seconds(0));
    while (report.answered + report.failed < report.items) {
      if (!time.step() || time.now() > until)
        throw broken_promise(std::to_string(report.items - report.answered - report.failed) +
                             " items were never answered");
    }
    const auto settle = std::max(time.now(), began + faults_last) +
                        (limit_ ? shared_limit::comes_back_within : duration(seconds(40)));
    while (time.now() < settle && time.step()) {
    }
    check_views();
    if (limit_) {
      limit_->check_that_all_came_back();
      report.limited_calls = limit_->sent();
    }
    report.events = time.done();
    report.virtual_seconds = std::chrono::duration<double>(time.now() - began).count();
    return report;
  }

  // -- what the ends of a link do

  void to_member(link_id id, message m) {
    auto& w = wires_.at(id);
    const auto life = members_[w.member]->life;
    deliver(w, w.to_member, [this, id, life, m = std::move(m)] {
      auto& w = wires_.at(id);
      auto& to = *members_[w.member];
      if (!to.alive || to.life != life || !w.member_open || only_sent_again(w)) return;
      w.member_hears.heard(local(to));
      if (std::holds_alternative<heartbeat>(m)) return;
      if (!to.core->receive(id, m)) throw broken_promise("a member got what only members send");
    });
  }

  void to_owner(link_id id, message m) {
    auto& w = wires_.at(id);
    // The answer under way may be repeated by the network; fences hold it back.
    const int copies = random_.below(50) == 0 && std::holds_alternative<work_outcome>(m) ? 2 : 1;
    for (int i = 0; i < copies; ++i)
      deliver(w, w.to_owner, [this, id, m] {
        auto& w = wires_.at(id);
        auto& to = *owners_[w.owner];
        // What comes late on a link that was given up reaches the state machine all the same.
        if (w.owner_open) w.owner_hears.heard(time.now());
        if (std::holds_alternative<heartbeat>(m)) return;
        if (const auto* outcome = std::get_if<work_outcome>(&m))
          if (!to.core->placed().current(outcome->id, outcome->attempt, id)) ++report.stale_answers;
        if (const auto* view = std::get_if<member_view>(&m)) {
          for (const auto& record : view->members)
            if (record.name == name_of(w.member) && w.owner_open) to.core->link_changed(id, record);
          return;
        }
        if (!to.core->receive(id, m)) throw broken_promise("an owner got what only owners send");
        to.core->dispatch(time.now());
      });
  }

  void job_started(sim_member& m, job_id job, const work_item& item, session_id session) {
    auto& h = history_.at(item.id);
    if (h.answered)
      throw broken_promise("item " + std::to_string(item.id) +
                           " was started again after its answer had reached the owner");
    if (m.core && m.running.size() >= m.slots)
      throw broken_promise("a member runs more than its slots");
    if (h.starts > 0) {
      ++report.repeats;
      const auto& before = wires_.at(h.started_on);
      if (before.id != session && before.owner_open && !given_back_.contains(item.id))
        throw broken_promise("item " + std::to_string(item.id) +
                             " was started while another member had it");
    }
    if (h.bounded) check_bound(h.owner);
    given_back_.erase(item.id);
    ++h.starts;
    h.started_on = session;
    ++report.executions;
    m.running[job] = item.id;
    if (h.rated)
      limit_->call(
          m.index,
          [this, index = m.index, life = m.life, job] {
            return members_[index]->life == life && members_[index]->running.contains(job);
          },
          [this, index = m.index, job] { answer_soon(index, job); });
    else
      answer_soon(m.index, job);
  }

  void job_stopped(sim_member& m, job_id job) {
    const auto index = m.index;
    const auto life = m.life;
    time.in(milliseconds(1), [this, index, life, job] {
      auto& m = *members_[index];
      if (!m.alive || m.life != life || m.running.erase(job) == 0) return;
      m.core->job_done(job, cancelled_error("job"));
    });
  }

  void note_given_back(item_id id) { given_back_.insert(id); }

  void answered(item_id id, const work_result& result) {
    auto& h = history_.at(id);
    if (h.ended) throw broken_promise("item " + std::to_string(id) + " got two answers");
    h.ended = true;
    h.answered = !std::holds_alternative<error>(result);
    ++(h.answered ? report.answered : report.failed);
  }

  timeline time;
  cluster_report report;

 private:
  [[nodiscard]] static std::string name_of(size_t member) { return "m" + std::to_string(member); }

  /// A member's own clock.
  [[nodiscard]] time_point local(const sim_member& m) const {
    return time_point{} +
           std::chrono::duration_cast<duration>(time.now().time_since_epoch() * m.speed);
  }

  [[nodiscard]] duration packet_delay() {
    auto d = delay_ / 2 + duration(random_.below(static_cast<std::uint64_t>(delay_.count())));
    // A lost packet is sent again after a while; what follows it waits.
    for (auto resend = milliseconds(200); random_.uniform() < loss_; resend *= 2) d += resend;
    return d;
  }

  void answer_soon(size_t index, job_id job) {
    time.in(milliseconds(1 + random_.below(200)), [this, index, life = members_[index]->life, job] {
      auto& m = *members_[index];
      if (!m.alive || m.life != life || m.running.erase(job) == 0) return;
      m.core->job_done(job, chat_response{.content = "done"});
    });
  }

  void check_bound(size_t owner) {
    std::uint32_t out = 0;
    for (const auto& [id, h] : history_)
      if (h.owner == owner && h.bounded && owners_[owner]->core->placed().where(id)) ++out;
    if (out > bounded_in_flight_max_)
      throw broken_promise(std::to_string(out) + " calls were in flight where " +
                           std::to_string(bounded_in_flight_max_) + " may be");
  }

  void deliver(wire& w, time_point& no_sooner, std::function<void()> what) {
    if (partitioned(w.owner, w.member)) {
      // The sender's machine tries again until it gives up; the link has most often ended by then.
      const auto heals = partitions_.at({w.owner, w.member});
      no_sooner = std::max(no_sooner, heals + packet_delay());
    } else {
      no_sooner = std::max(no_sooner, time.now() + packet_delay());
    }
    time.at(no_sooner, std::move(what));
  }

  /// What an owner's machine would have to send again is gone with a connection that was broken
  /// off.
  [[nodiscard]] bool only_sent_again(const wire& w) {
    return !w.owner_open && time.now() > w.owner_gave_up + delay_ * 3 / 2;
  }

  [[nodiscard]] bool partitioned(size_t owner, size_t member) const {
    const auto found = partitions_.find({owner, member});
    return found != partitions_.end() && time.now() < found->second;
  }

  void submit_items(size_t owner) {
    const auto count = 20 + random_.below(60);
    report.items += count;
    const auto plain = std::make_shared<const provider_config>();
    const auto rated = std::make_shared<const provider_config>(provider_config{.rpm = 1});
    const auto bounded = std::make_shared<const provider_config>(
        provider_config{.max_in_flight = bounded_in_flight_max_});
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto id = ++last_item_;
      auto& h = history_[id];
      h.owner = owner;
      h.rated = limit_ && random_.below(3) == 0;
      h.bounded = !h.rated && random_.below(5) == 0;
      work_order order{.request = std::make_shared<const work_request>(chat_request{}),
                       .config = h.rated     ? rated
                                 : h.bounded ? bounded
                                             : plain};
      if (random_.below(2) == 0) order.options.priority = priority_class::batch;
      if (random_.below(4) == 0) order.options.session = "s" + std::to_string(random_.below(5));
      const bool impatient = random_.below(20) == 0;
      time.in(milliseconds(random_.below(15'000)), [this, owner, id, order, impatient] {
        owners_[owner]->core->submit(id, order, time.now());
        owners_[owner]->core->dispatch(time.now());
        if (impatient)
          time.in(milliseconds(random_.below(500)),
                  [this, owner, id] { owners_[owner]->core->cancel(id); });
      });
    }
  }

  // -- lives

  void start_member(size_t i) {
    auto& m = *members_[i];
    m.alive = true;
    ++m.life;
    m.running.clear();
    m.core = std::make_unique<member_core>(m.slots, m);
    m.views = membership{};
    // Its clock may have gone back between two lives.
    const auto incarnation = 1000 + m.life - (random_.below(4) == 0 && m.life > 2 ? 2 : 0);
    m.views.join(
        {.name = name_of(i), .address = name_of(i), .incarnation = incarnation, .slots = m.slots},
        local(m));
    for (const auto& other : members_)
      if (other->alive && other->index != i) gossip(*other, m);
    if (limit_) limit_->start(i);
  }

  void crash_member(size_t i) {
    auto& m = *members_[i];
    if (!m.alive) return;
    ++report.crashes;
    m.alive = false;
    m.running.clear();
    if (limit_) limit_->crash(i);
    // The kernel says so to those who can be reached; the others find out by silence.
    for (auto& [id, w] : wires_) {
      if (w.member != i || !w.member_open) continue;
      w.member_open = false;
      if (partitioned(w.owner, i) || random_.below(3) == 0) continue;
      time.in(packet_delay(), [this, id = id] { owner_loses(id, "the connection was lost"); });
    }
    time.in(milliseconds(100 + random_.below(5'000)), [this, i] { start_member(i); });
  }

  void drain_member(size_t i) {
    auto& m = *members_[i];
    if (!m.alive || m.core->draining()) return;
    ++report.drains;
    m.core->drain();
    m.views.set_state(member_state::draining, local(m));
    const auto life = m.life;
    time.in(milliseconds(500), [this, i, life] {
      auto& m = *members_[i];
      if (!m.alive || m.life != life) return;
      m.core->give_up();
      time.in(seconds(1), [this, i, life] {
        if (members_[i]->life == life) crash_member(i);
      });
    });
  }

  void plan_faults() {
    for (auto count = random_.below(12); count > 0; --count)
      time.in(duration(random_.below(static_cast<std::uint64_t>(duration(faults_last).count()))),
              [this] { one_fault(); });
  }

  void one_fault() {
    const auto member = random_.below(members_.size());
    switch (random_.below(4)) {
      case 0:
        return crash_member(member);
      case 1:
        return drain_member(member);
      default:
        break;
    }
    ++report.partitions;
    if (limit_ && random_.below(3) == 0)
      return limit_->cut_off(member, milliseconds(random_.below(30'000)));
    const auto owner = random_.below(owners_.size());
    partitions_[{owner, member}] = time.now() + milliseconds(random_.below(12'000));
  }

  // -- links

  void tick_owner(size_t i) {
    auto& o = *owners_[i];
    for (auto& [id, w] : wires_) {
      if (w.owner != i || !w.owner_open) continue;
      if (w.owner_hears.dead(time.now())) {
        owner_loses(id, "silence");
        continue;
      }
      to_member(id, heartbeat{});
    }
    for (size_t m = 0; m < members_.size(); ++m)
      if (!linked(i, m)) dial(i, m);
    o.core->tick(time.now());
    time.in(heartbeat_interval, [this, i] { tick_owner(i); });
  }

  void tick_member(size_t i) {
    auto& m = *members_[i];
    if (m.alive) {
      m.views.beat(local(m));
      const auto& other = *members_[random_.below(members_.size())];
      if (other.alive && other.index != i) gossip(other, m);
      for (auto& [id, w] : wires_) {
        if (w.member != i || !w.member_open) continue;
        if (w.member_hears.dead(local(m))) {
          w.member_open = false;
          m.core->owner_down(id);
          continue;
        }
        to_owner(id, heartbeat{});
        to_owner(id, member_view{m.views.view(local(m))});
      }
    }
    time.in(heartbeat_interval, [this, i] { tick_member(i); });
  }

  void gossip(const sim_member& from, sim_member& to) {
    static_cast<void>(to.views.merge(from.views.view(local(from)), local(to)));
    if (auto& back = *members_[from.index]; back.alive)
      static_cast<void>(back.views.merge(to.views.view(local(to)), local(back)));
  }

  [[nodiscard]] bool linked(size_t owner, size_t member) const {
    for (const auto& [id, w] : wires_)
      if (w.owner == owner && w.member == member && w.owner_open) return true;
    return false;
  }

  void dial(size_t owner, size_t member) {
    auto& m = *members_[member];
    if (!m.alive || partitioned(owner, member) || random_.below(3) == 0) return;
    const auto id = ++last_link_;
    const failure_detector_settings owners{.pause = owner_options{}.pause_max};
    const failure_detector_settings members{.pause = node_options{}.pause_max};
    wires_.emplace(id, wire{.id = id,
                            .owner = owner,
                            .member = member,
                            .owner_hears = failure_detector(owners, time.now()),
                            .member_hears = failure_detector(members, local(m))});
    m.core->owner_up(id, 1);
    owners_[owner]->core->link_up(id, *m.views.self());
  }

  void owner_loses(link_id id, const std::string& why) {
    auto& w = wires_.at(id);
    if (!w.owner_open) return;
    w.owner_open = false;
    w.owner_gave_up = time.now();
    ++report.links_lost;
    owners_[w.owner]->core->link_down(id, why);
    owners_[w.owner]->core->dispatch(time.now());
    // The member's side hears of it if the network lets it.
    if (!partitioned(w.owner, w.member))
      time.in(packet_delay(), [this, id] {
        auto& w = wires_.at(id);
        auto& m = *members_[w.member];
        if (!w.member_open || !m.alive) return;
        w.member_open = false;
        m.core->owner_down(id);
      });
  }

  void check_views() {
    for (const auto& m : members_) {
      if (!m->alive) continue;
      for (const auto& other : members_) {
        if (!other->alive) continue;
        bool known = false;
        for (const auto& record : m->views.view(local(*m)))
          known = known || (record.name == name_of(other->index) &&
                            record.incarnation == other->views.self()->incarnation);
        if (!known)
          throw broken_promise(name_of(m->index) + " does not know the present " +
                               name_of(other->index));
      }
    }
  }

  random_source random_;
  double loss_ = 0;
  duration delay_{};
  std::uint32_t bounded_in_flight_max_ = 1;
  std::optional<shared_limit> limit_;
  std::vector<std::unique_ptr<sim_member>> members_;
  std::vector<std::unique_ptr<sim_owner>> owners_;
  std::map<link_id, wire> wires_;
  std::map<std::pair<size_t, size_t>, time_point> partitions_;  // until when
  std::map<item_id, item_history> history_;
  std::set<item_id> given_back_;
  item_id last_item_ = 0;
  link_id last_link_ = 0;
};

void sim_member::send(session_id to, message m) {
  if (const auto* back = std::get_if<given_back>(&m)) home.note_given_back(back->id);
  home.to_owner(to, std::move(m));
}
void sim_member::start(job_id job, const work_item& item, const configuration*) {
  home.job_started(*this, job, item, core->owner_of(job));
}
void sim_member::stop(job_id job) { home.job_stopped(*this, job); }
void sim_owner::send(link_id to, message m) { home.to_member(to, std::move(m)); }
void sim_owner::ended(item_id id, work_result result) { home.answered(id, result); }

}  // namespace

cluster_report run_cluster(std::uint64_t seed) { return world(seed).run(); }

}  // namespace graphbit::sim
