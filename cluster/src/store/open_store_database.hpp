#pragma once

#include <memory>
#include <string>

#include "sql_database.hpp"

namespace graphbit {

/// The name of the store that is in memory.
inline constexpr const char* memory_store_name = ":memory:";

/// By a store's name, which is not that of the memory store: an address of PostgreSQL, or a file.
[[nodiscard]] expected<std::unique_ptr<sql_database>> open_store_database(const std::string& name);

}  // namespace graphbit
