#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace graphbit::cluster {

/// What a member says of itself. A later value of the same incarnation has won.
enum class member_state : std::uint8_t {
  up = 1,    ///< takes work
  draining,  ///< finishes what it has
  left,      ///< ended in order; need not be dialled any more
};

/// One member as the others know it.
struct member_record {
  std::string name;               ///< unique in the cluster
  std::string address;            ///< "HOST:PORT" where it is dialled
  std::uint64_t incarnation = 0;  ///< grows with every start of the member
  std::uint64_t beat = 0;         ///< grows while it lives; only the member itself raises it
  member_state state = member_state::up;  ///< takes work, finishes what it has, or has left
  std::uint32_t slots = 0;                ///< calls that it takes at once
  std::vector<std::string> labels;        ///< by which work chooses it
  std::vector<std::string> callables;     ///< functions that it runs by name

  friend bool operator==(const member_record&, const member_record&) = default;
};

}  // namespace graphbit::cluster
