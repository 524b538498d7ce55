#include <graphbit/cluster/open_run_store.hpp>

#include "open_store_database.hpp"
#include "sql_run_store.hpp"

namespace graphbit {

namespace {

[[nodiscard]] wall_time machine_time() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

expected<std::unique_ptr<run_store>> open_run_store(const std::string& name) {
  if (name == memory_store_name) return make_memory_run_store(machine_time);
  auto database = open_store_database(name);
  if (!database) return fail(database.error());
  return make_sql_run_store(std::move(*database));
}

}  // namespace graphbit
