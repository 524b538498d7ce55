#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace graphbit::cluster {

/// A session of one owner at one member.
using session_id = std::uint64_t;

/// Divides a member's slots among the owners that it serves: each is granted a window, the number
/// of its items that the member takes at once.
///
/// Weighted max-min fairness: nobody gets more than it has work for while another wants it, what is
/// left goes to all by weight so that an idle owner's first item need not wait, and everyone has at
/// least one. So no owner can starve another, however much it asks for. A state machine.
class credit_ledger {
 public:
  explicit credit_ledger(std::uint32_t slots) : slots_(slots) {}

  void add(session_id owner, std::uint32_t weight);
  void remove(session_id owner);
  /// What an owner has at this member and waiting elsewhere.
  void set_demand(session_id owner, std::uint32_t items);
  /// No more work from now on: every window is 0.
  void close() noexcept { closed_ = true; }

  struct grant {
    session_id owner = 0;
    std::uint32_t window = 0;
  };
  /// The windows that have changed since they were last asked for.
  [[nodiscard]] std::vector<grant> changes();
  [[nodiscard]] std::uint32_t window(session_id owner) const;

 private:
  struct account {
    std::uint32_t weight = 1;
    std::uint32_t demand = 0;
    std::uint32_t window = 0;  // as granted
    double share = 0;          // while dividing
  };
  void divide();
  [[nodiscard]] double pour(double slots, bool past_demand);

  std::uint32_t slots_;
  bool closed_ = false;
  std::map<session_id, account> accounts_;
};

}  // namespace graphbit::cluster
