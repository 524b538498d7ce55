#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <graphbit/actors/limit_authority.hpp>
#include <graphbit/actors/policy/share_holder.hpp>
#include <graphbit/runtime/native_thread.hpp>
#include <graphbit/runtime/runtime.hpp>
#include <graphbit/runtime/secret.hpp>

namespace graphbit {

/// What a limit belongs to, and who divides it.
struct shared_limit {
  std::shared_ptr<limit_authority> authority;
  std::string endpoint;
  std::string model;
  secret key;
};

/// To a limiter: what it may use of a shared limit from now on.
struct share_news {
  policy::share_in_force share;
  bool cut = false;  ///< end what is in flight beyond it
};

/// Holds this process's shares of limits that other processes use, too: asks their authorities, in
/// time and one at a time, and tells the limiters.
///
/// Problem: an authority may be a database, and a limiter lives on a reactor, which must not wait.
/// The decisions are `policy::share_holder`'s; this is its thread.
///
/// Lifecycle: a service of the runtime; the thread starts with the first limit and ends in the
/// destructor, which gives back what is held. Threads: any.
class limit_leaser {
 public:
  using listener = std::function<void(const share_news&)>;

  explicit limit_leaser(runtime&) {}
  ~limit_leaser();
  limit_leaser(const limit_leaser&) = delete;
  limit_leaser& operator=(const limit_leaser&) = delete;

  /// Holds a part of `limit` until `drop`. `tell` is called on the leaser's thread.
  [[nodiscard]] std::uint64_t hold(shared_limit limit, listener tell);
  /// What the provider grants in all; before this is told nothing is asked for.
  void limits_are(std::uint64_t id, const policy::limiter_settings& limits);
  /// Calls are made, wait or are in flight; `use`: how many, and what the last minute took.
  void used(std::uint64_t id, const policy::limiter_settings& use);
  void drop(std::uint64_t id);

 private:
  struct held_limit {
    shared_limit what;
    listener tell;
    policy::limiter_settings limits{};
    time_point used_at{};
    policy::limiter_settings use{};
    bool dropped = false;
    // The leaser's thread only:
    std::string name{};  // empty: this process is not known to the authority yet
    std::optional<policy::share_holder> holder{};
    time_point join_at{};
    bool in_trouble = false;
  };

  void thread_main();
  /// When this one needs attention again.
  time_point attend(held_limit& held);
  [[nodiscard]] bool introduced(held_limit& held);
  void carry_out(held_limit& held, policy::share_holder::duty duty);
  void ask(held_limit& held);
  void give_back(held_limit& held);
  void complain(held_limit& held, const error& why);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::shared_ptr<held_limit>> held_;  // guarded by mutex_, with `limits`,
                                                               // `used_at`, `use`, `dropped`
  std::uint64_t last_id_ = 0;
  bool ending_ = false;
  bool news_ = false;
  native_thread thread_;
};

}  // namespace graphbit
