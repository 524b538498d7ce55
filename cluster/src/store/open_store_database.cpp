#include "open_store_database.hpp"

#include "postgres_store_database.hpp"
#include "sqlite_store_database.hpp"

namespace graphbit {

expected<std::unique_ptr<sql_database>> open_store_database(const std::string& name) {
  if (name.empty())
    return fail(configuration_error("store",
                                    "the name of the store is empty: give a file's path, "
                                    "\"postgresql://...\" or \":memory:\""));
  const bool is_address = name.starts_with("postgresql://") || name.starts_with("postgres://");
  return is_address ? open_postgres_store_database(name) : open_sqlite_store_database(name);
}

}  // namespace graphbit
