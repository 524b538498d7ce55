#pragma once

#include <memory>
#include <string>

#include "sql_database.hpp"

namespace graphbit {

/// Opens (or makes) the SQLite file of a store, and brings its schema up to date.
[[nodiscard]] expected<std::unique_ptr<sql_database>> open_sqlite_store_database(
    const std::string& path);

}  // namespace graphbit
