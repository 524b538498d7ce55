#pragma once

#include <cstdint>
#include <optional>

#include <graphbit/actors/policy/limit_shares.hpp>

namespace graphbit::policy {

/// What a process may use of a limit that others use, too.
struct share_in_force {
  limiter_settings amount;
  time_point ends_at{};  ///< nothing is sent from then on
};

/// One process's part in a shared limit: when it asks the authority, what it may use and until
/// when, and what it owes for the limit to hold whatever is cut off from whom (`limit_shares`).
///
/// It asks while there is use for a share, and renews it in time. When nobody answers it keeps what
/// it has until that ends. With each request it says what it uses, so that the rest is free for the
/// others at once when it has to shrink; a share that was not used for a minute is given back. One
/// request is under way at a time. A state machine; the time is passed in.
class share_holder {
 public:
  enum class duty {
    none,
    ask,        ///< send `request`, then tell `answered` or `failed`
    give_back,  ///< send `to_return`, then tell `given_back`
    cut,        ///< end what is in flight beyond `in_flight_allowed`: its minute is over
  };
  static constexpr duration idle_after = limit_shares::cool_for;
  static constexpr duration ask_again_after = seconds(1);
  /// An answer has reached all who send by then, and what they sent before is counted.
  static constexpr duration kept_to_after = seconds(1);

  /// `holder`: its epoch at the authority. `limits`: what the provider grants in all.
  share_holder(std::uint64_t holder, limiter_settings limits, time_point now);
  /// The provider's limits as they are known now; told to the authority with the next request.
  void set_limits(const limiter_settings& limits) { limits_ = limits; }
  /// A call was made, waited, or was in flight then; `use`: what is in flight, and what the last
  /// minute took.
  void used(time_point at, const limiter_settings& use = {});

  /// What is to be done now; to be asked again after it was done, and at `due_at`.
  [[nodiscard]] duty next(time_point now);
  [[nodiscard]] time_point due_at() const noexcept;

  [[nodiscard]] share_request request(time_point now);
  void answered(const limit_share& share, time_point now);
  void failed(time_point now);
  [[nodiscard]] std::uint64_t held_token() const noexcept { return token_; }
  [[nodiscard]] share_return to_return(time_point now) const;
  void given_back(time_point now);

  [[nodiscard]] const share_in_force& share() const noexcept { return share_; }
  /// 0 past the share's end; none: there is no such limit.
  [[nodiscard]] std::optional<std::uint32_t> in_flight_allowed(time_point now) const;
  [[nodiscard]] std::uint64_t holder() const noexcept { return holder_; }

 private:
  std::uint64_t holder_;
  limiter_settings limits_;
  std::uint64_t token_ = 0;
  share_in_force share_;
  bool asking_ = false;
  time_point asked_at_{};
  time_point ask_at_{};
  time_point answered_at_{};
  time_point used_at_;
  limiter_settings use_;
  time_point shrunk_due_ = never, end_due_ = never;  // when what is too much is to be cut
};

}  // namespace graphbit::policy
