#pragma once

#include <memory>
#include <string>

#include "sql_database.hpp"

namespace graphbit {

/// Past these a call is given up, and its connection with it.
struct postgres_timeouts {
  milliseconds connect{3'000};
  milliseconds call{15'000};  ///< more than the server's own 10 s for a statement
};

/// Connects to the PostgreSQL database of a store (schema `graphbit`), and brings its schema up to
/// date.
[[nodiscard]] expected<std::unique_ptr<sql_database>> open_postgres_store_database(
    const std::string& url, const postgres_timeouts& timeouts = {});

}  // namespace graphbit
