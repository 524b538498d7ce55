#include <utility>

#include "src/node_work.hpp"

namespace graphbit {

namespace {

/// Parks until its signal or its time has come; each incarnation looks again.
class wait_work final : public node_work {
 public:
  explicit wait_work(node_context& context)
      : node_work(context), spec_(std::get<wait_spec>(step().spec)) {}

  void begin() override {
    if (!spec_.signal.empty())
      if (const json_value* value = board().signal(spec_.signal))
        return finish(node_output::from_json(*value));
    const wall_time until =
        spec_.length ? board().waits_since(context().index()) + *spec_.length : wall_time::max();
    if (wall_now() >= until) return time_is_up();
    context().park(
        {.until = until,
         .signal = spec_.signal,
         .why = spec_.signal.empty() ? "waits for a time" : "waits for '" + spec_.signal + "'"});
  }

 private:
  void time_is_up() {
    if (spec_.signal.empty()) return finish(board().input_of(context().index()));
    context().fail_with(timeout_error(
        spec_.signal, *spec_.length,
        "the signal '" + spec_.signal + "' did not come in time; send it earlier, or wait longer"));
  }

  void finish(node_output output) {
    context().facts.exit_reason = "completed";
    context().complete(std::move(output));
  }

  const wait_spec& spec_;
};

}  // namespace

std::unique_ptr<node_work> make_wait_work(node_context& context) {
  return std::make_unique<wait_work>(context);
}

}  // namespace graphbit
