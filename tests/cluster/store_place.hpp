#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <graphbit/actors/limit_authority.hpp>
#include <graphbit/actors/run_store.hpp>

namespace graphbit {

/// A fresh, empty place where a store can be, for one test; deleted with its contents afterwards.
class store_place {
 public:
  virtual ~store_place() = default;
  /// A handle as another process would have it (memory: always the same).
  [[nodiscard]] virtual std::shared_ptr<run_store> open() = 0;
  [[nodiscard]] virtual std::shared_ptr<limit_authority> open_authority() = 0;
};

/// One kind of store, as the conformance suite's parameter.
struct store_kind {
  std::string name;
  /// Why it cannot be tested here; empty: it can.
  std::function<std::string()> missing;
  std::function<std::unique_ptr<store_place>()> make;

  friend std::ostream& operator<<(std::ostream& out, const store_kind& kind) {
    return out << kind.name;
  }
};

[[nodiscard]] std::vector<store_kind> store_kinds();

}  // namespace graphbit
