#include <graphbit/cluster/open_run_store.hpp>

#include "postgres_store_database.hpp"
#include "sql_run_store.hpp"
#include "sqlite_store_database.hpp"

namespace graphbit {

namespace {

[[nodiscard]] wall_time machine_time() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

expected<std::unique_ptr<run_store>> open_run_store(const std::string& name) {
  if (name == ":memory:") return make_memory_run_store(machine_time);
  if (name.empty())
    return fail(configuration_error("store",
                                    "the name of the store is empty: give a file's path, "
                                    "\"postgresql://...\" or \":memory:\""));
  const bool is_address = name.starts_with("postgresql://") || name.starts_with("postgres://");
  auto database =
      is_address ? open_postgres_store_database(name) : open_sqlite_store_database(name);
  if (!database) return fail(database.error());
  return make_sql_run_store(std::move(*database));
}

}  // namespace graphbit
