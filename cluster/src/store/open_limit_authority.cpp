#include <graphbit/cluster/open_limit_authority.hpp>

#include "open_store_database.hpp"
#include "sql_limit_authority.hpp"

namespace graphbit {

expected<std::unique_ptr<limit_authority>> open_limit_authority(const std::string& name) {
  if (name == memory_store_name) return make_memory_limit_authority();
  auto database = open_store_database(name);
  if (!database) return fail(database.error());
  return make_sql_limit_authority(std::move(*database));
}

}  // namespace graphbit
