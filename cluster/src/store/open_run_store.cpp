#include <graphbit/cluster/open_run_store.hpp>

namespace graphbit {

namespace {

[[nodiscard]] wall_time machine_time() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

expected<std::unique_ptr<run_store>> open_run_store(const std::string& name) {
  if (name == ":memory:") return make_memory_run_store(machine_time);
  return fail(configuration_error("store", "no store of this kind yet: " + name));
}

}  // namespace graphbit
