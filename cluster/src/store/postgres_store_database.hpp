#pragma once

#include <memory>
#include <string>

#include "sql_database.hpp"

namespace graphbit {

/// Connects to the PostgreSQL database of a store (schema `graphbit`), and brings its schema up to
/// date.
[[nodiscard]] expected<std::unique_ptr<sql_database>> open_postgres_store_database(
    const std::string& url);

}  // namespace graphbit
