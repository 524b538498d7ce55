#include <graphbit/cluster/owner.hpp>

#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include <graphbit/actors/provider_client_impl.hpp>
#include <graphbit/actors/spending.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/reactor.hpp>

#include "src/peer/own_name.hpp"

#include "owner_actor.hpp"
#include "seed_check.hpp"

namespace graphbit::cluster {

namespace {

constexpr seconds introduction{2};

[[nodiscard]] expected<void> no_such_function(const std::string& name) {
  return fail(configuration_error(
      "function", "no member has the function " + name +
                      ": start members with `graphbit node --python MODULE`, and give functions "
                      "that the module defines"));
}

[[nodiscard]] expected<void> check(const owner_options& o) {
  if (auto fit = check_seeds(o.seeds, o.certificates); !fit) return fit;
  if (o.share_credentials && !o.certificates.any())
    return fail(configuration_error("share_credentials",
                                    "keys travel only over mutual TLS: give ca, cert and key"));
  if (o.weight < 1 || o.weight > 1000)
    return fail(configuration_error("weight", "weight must be between 1 and 1000"));
  return {};
}

}  // namespace

class owner::impl {
 public:
  impl(runtime& rt, owner_options options, const link_settings& links,
       std::shared_ptr<const identity> certificate)
      : rt_(rt), board_(std::make_shared<owner_board>()) {
    system_ = std::make_shared<link_system>(options.certificates, links);
    peer_self self{.cluster = options.cluster,
                   .name = options.name.empty() ? own_name() : options.name,
                   .role = peer_role::owner,
                   .weight = options.weight,
                   .certificate = std::move(certificate)};
    owner_settings settings{.placement = {.labels = options.labels},
                            .share_credentials = options.share_credentials,
                            .outage_max = options.outage_max};
    supervisor_ =
        supervise_owner({system_, std::move(self), std::move(options), settings, links, board_});
  }
  ~impl() { close(); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  void close() {
    const std::lock_guard guard(close_mutex_);
    if (!system_) return;
    board_->close(runtime_error("cluster", "the cluster was closed"));
    const auto patience_ends = steady_clock::now() + seconds{10};
    static_cast<void>(supervisor_.shut_down(seconds{10}));
    board_->is_served_by(nullptr);
    supervisor_ = {};
    // What has ended lets go of the system a moment later, and should not be the last to.
    while (system_.use_count() > 1 && steady_clock::now() < patience_ends)
      std::this_thread::sleep_for(milliseconds{1});
    system_.reset();
  }

  void put(owner_order order) { board_->put(std::move(order)); }

  [[nodiscard]] bool offers(const std::string& name) const {
    for (const auto& m : board_->members()) {
      const auto& known = m.record.callables;
      if (m.connected && std::find(known.begin(), known.end(), name) != known.end()) return true;
    }
    return false;
  }

  // A misspelt name is told at once rather than waited for; members that only just came are given
  // the time to say what they have.
  [[nodiscard]] expected<void> expect_offer(const std::string& name) const {
    const auto until = steady_clock::now() + introduction;
    while (!offers(name)) {
      const auto members = board_->members();
      const bool any = std::any_of(members.begin(), members.end(),
                                   [](const member_status& m) { return m.connected; });
      if (steady_clock::now() >= until) return any ? no_such_function(name) : expected<void>{};
      std::this_thread::sleep_for(milliseconds{10});
    }
    return {};
  }

  runtime& rt_;
  std::shared_ptr<owner_board> board_;
  std::mutex configs_mutex_;
  std::vector<std::shared_ptr<const provider_config>> configs_;

 private:
  std::mutex close_mutex_;
  std::shared_ptr<link_system> system_;
  supervisor supervisor_;
};

namespace {

/// A provider client's calls on their way to members. Threads: any.
class remote_client final : public provider_client::impl {
 public:
  remote_client(std::shared_ptr<owner::impl> home, std::shared_ptr<const provider_config> config)
      : owner_(std::move(home)), config_(std::move(config)) {}

  std::uint64_t submit(pending_call_ptr call, reactor* home) override {
    auto& board = *owner_->board_;
    const auto id = board.next_id.fetch_add(1, std::memory_order_relaxed);
    call->id = id;
    if (home == nullptr) home = &owner_->rt_.next_reactor();
    if (auto no = refusal(*call)) {
      home->post([call, e = std::move(*no)] { call->fail_with(e); });
      return id;
    }
    if (call->options.idempotency_key.empty()) call->options.idempotency_key = make_uuid();
    ++board.submitted;
    owner_->put(submit_call{std::move(call), config_, home});
    return id;
  }
  void cancel(std::uint64_t call_id) override { owner_->put(cancel_call{call_id}); }
  void resume(std::uint64_t) override {}  // pauses are bounded by what goes unconfirmed
  void warm_up(std::function<void(expected<void>)> done) override {
    owner_->rt_.next_reactor().post([done = std::move(done)] { done({}); });
  }
  // Limits are the configuration's, kept by each member.
  void set_limits(const limits_change&) override {}
  const provider_config& config() const override { return *config_; }
  provider_client_stats stats() const override { return counters(); }
  provider_client_stats counters() const override {
    const auto& b = *owner_->board_;
    provider_client_stats s;
    s.calls = b.submitted;
    s.succeeded = b.succeeded;
    s.failed = b.failed;
    s.cancelled = b.cancelled;
    s.attempts = b.attempts;
    s.waiting = b.waiting;
    s.in_flight = b.open - std::min<std::size_t>(b.open, b.waiting);
    s.in_flight_max = b.capacity;
    return s;
  }
  reactor& home_of_this_thread() const override {
    const auto thread = std::hash<std::thread::id>{}(std::this_thread::get_id());
    return owner_->rt_.reactor_at(thread % owner_->rt_.reactor_count());
  }

 private:
  [[nodiscard]] std::optional<error> refusal(const pending_call& call) const {
    if (call.options.stop.stop_requested()) return cancelled_error("cluster");
    if (call.options.budget) return call.options.budget->refusal();
    return std::nullopt;
  }

  std::shared_ptr<owner::impl> owner_;
  std::shared_ptr<const provider_config> config_;
};

}  // namespace

expected<owner> owner::open(runtime& rt, owner_options options) {
  if (auto fits = check(options); !fits) return fail(std::move(fits.error()));
  const auto links = links_with(options.heartbeat, options.pause_max);
  if (!links) return fail(links.error());
  auto certificate = identity::load(options.certificates);
  if (!certificate) return fail(std::move(certificate.error()));
  return owner(std::make_shared<impl>(rt, std::move(options), *links, std::move(*certificate)));
}

expected<provider_client> owner::client(const provider_config& config) const {
  const std::lock_guard guard(impl_->configs_mutex_);
  const auto known = std::find_if(impl_->configs_.begin(), impl_->configs_.end(),
                                  [&](const auto& c) { return *c == config; });
  auto shared =
      known != impl_->configs_.end() ? *known : std::make_shared<const provider_config>(config);
  if (known == impl_->configs_.end()) impl_->configs_.push_back(shared);
  return provider_client::around(impl_->rt_,
                                 std::make_shared<remote_client>(impl_, std::move(shared)));
}

chat_backend_factory owner::backends() const {
  return provider_backends(
      [self = *this](const provider_config& config) { return self.client(config); });
}

callable owner::function(const std::string& name) const {
  callable f;
  f.name = name;
  f.call = [impl = impl_, name](const json_value& arguments) -> expected<json_value> {
    if (impl->board_->closed) return fail(runtime_error("cluster", "the cluster was closed"));
    if (auto known = impl->expect_offer(name); !known) return fail(std::move(known.error()));
    auto answer = std::make_shared<std::promise<expected<json_value>>>();
    auto waiting = std::make_shared<waiting_function>();
    waiting->name = name;
    waiting->arguments = to_json(arguments);
    waiting->done = [answer](expected<json_value> value) { answer->set_value(std::move(value)); };
    impl->put(submit_function{impl->board_->next_id.fetch_add(1), std::move(waiting)});
    return answer->get_future().get();  // the owner ends every wait, at the latest when it closes
  };
  return f;
}

bool owner::offers(const std::string& name) const { return impl_->offers(name); }

std::vector<member_status> owner::members() const { return impl_->board_->members(); }

bool owner::wait_for_members(std::size_t count, milliseconds patience,
                             const std::function<bool()>& interrupted) const {
  const auto until = steady_clock::now() + patience;
  for (;;) {
    const auto now_there = members();
    const auto connected = std::count_if(now_there.begin(), now_there.end(),
                                         [](const member_status& m) { return m.connected; });
    if (static_cast<std::size_t>(connected) >= count) return true;
    if (steady_clock::now() >= until || (interrupted && interrupted())) return false;
    std::this_thread::sleep_for(milliseconds{5});
  }
}

void owner::close() const {
  if (impl_) impl_->close();
}

}  // namespace graphbit::cluster
