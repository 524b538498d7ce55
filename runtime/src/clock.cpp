#include <graphbit/runtime/clock.hpp>

namespace graphbit {

namespace {

class monotonic_clock final : public clock {
 public:
  [[nodiscard]] time_point now() const noexcept override { return steady_clock::now(); }
};

}  // namespace

const clock& system_clock() noexcept {
  static const monotonic_clock instance;
  return instance;
}

}  // namespace graphbit
