#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/actors/policy/limiter.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::policy {

/// What a holder says of the share it has.
struct share_use {
  limiter_settings keeps_to;  ///< it has sent nothing beyond this for a second at least
  limiter_settings used;      ///< in flight now; requests and tokens of the last minute
};

/// One holder's wish for a part of a limit.
struct share_request {
  std::uint64_t holder = 0;  ///< who asks: its member epoch; never 0
  std::uint64_t token = 0;   ///< of the share it holds; 0: none
  limiter_settings
      limits;  ///< what the provider grants in all; holders that differ: the least rules
  limiter_settings wanted;         ///< more is of no use to it; 0: as much as is fair
  std::uint32_t weight = 1;        ///< in the division; at least 1
  std::optional<share_use> use{};  ///< none: all of it may be in use
};

/// A holder gives its share up: it sends nothing any more, and nothing is in flight.
struct share_return {
  std::uint64_t holder = 0;
  std::uint64_t token = 0;
  duration unused_for{};                   ///< when it last used it
  std::optional<limiter_settings> used{};  ///< in the minute before; none: all of it
};

/// The answer: a part, or word of when to ask again.
struct limit_share {
  std::uint64_t token = 0;  ///< the fencing token; 0: nothing was free
  limiter_settings amount;  ///< 0 where there is no such limit, else at least 1
  duration ends_in{};       ///< the holder counts from the moment at which it *asked*
  duration ask_after{};     ///< when to renew, or to ask again
};

/// Divides one limit (requests and tokens per minute, calls in flight) among the processes that use
/// one provider key, such that together they never pass it, whatever is cut off from whom.
///
/// A holder leases a part for some seconds and renews it. Parts follow the fair division among
/// those who ask; one that has to shrink keeps counting as it was until its holder has said that it
/// keeps to less, or until its old end, because the answer that shrinks it may be lost. What a
/// holder gives back, loses or lets expire is leased again only 60 s after its last use, so that
/// every sliding minute holds one user of it; what it did not use within that minute is free at
/// once.
///
/// What a holder owes for this to hold: it paces its part (GCRA, burst 1: `pacer(0, rate)`), sends
/// nothing after the part's end, counted from when it asked, and cuts what is still in flight 60 s
/// after that. It has one request under way at a time, gives back only when none is, and ignores
/// the answer to a request that it no longer waits for.
///
/// A plain value; time is passed in and never goes back. Bounded: `holders_max`.
class limit_shares {
 public:
  static constexpr duration cool_for = seconds(60);
  static constexpr std::size_t holders_max = 4096;

  /// A first, changed or renewed share. Also the way to say that one wants a share: whoever was
  /// refused counts in the division for as long as a share lasts.
  [[nodiscard]] limit_share lease(const share_request& request, duration lasts, time_point now);
  /// A token that is no longer held is ignored.
  void give_back(const share_return& back, time_point now);

  [[nodiscard]] std::size_t holders(time_point now);
  /// All that is held or cooling: what `now` could be in use, or was within the last minute.
  [[nodiscard]] limiter_settings committed(time_point now);
  /// The state as one line of text, for a store; and back. Error: Core for a text that is none.
  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] static expected<limit_shares> from_text(std::string_view text);

 private:
  // Requests, tokens, in flight: one thing to reckon with.
  using amounts = std::array<std::uint64_t, 3>;
  struct holder {
    std::uint64_t id = 0, token = 0;  // token 0: waits for a share
    amounts granted{}, limits{}, wanted{};
    std::uint64_t weight = 1;
    time_point ends_at{};
    // What may be in use: `granted`, and what it was told to give up and has not confirmed.
    amounts amount{};
    time_point larger_until{};  // the end of the last share that was larger than `granted`
  };
  struct rest {
    amounts amount{};
    time_point free_at{};
  };

  [[nodiscard]] static amounts amounts_of(const limiter_settings& s) noexcept;
  [[nodiscard]] static limiter_settings settings_of(const amounts& a) noexcept;
  void settle(time_point now);
  void confirm(holder& h, const share_use& use, time_point now);
  void grant(holder& h, const amounts& granted) const;
  void cool(const amounts& amount, time_point free_at);
  [[nodiscard]] holder* find(std::uint64_t id) noexcept;
  [[nodiscard]] amounts in_force() const noexcept;
  [[nodiscard]] std::uint64_t fair(std::size_t kind, std::uint64_t total, const holder& h) const;
  [[nodiscard]] std::uint64_t free(std::size_t kind, std::uint64_t total, const holder& h) const;
  [[nodiscard]] duration next_free_in(duration at_most, time_point now) const noexcept;

  std::uint64_t last_token_ = 0;
  std::vector<holder> holders_;  // in order of arrival
  std::vector<rest> cooling_;
};

}  // namespace graphbit::policy
