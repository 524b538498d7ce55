#pragma once

#include <memory>

#include <graphbit/actors/run_store.hpp>

#include "sql_database.hpp"

namespace graphbit {

[[nodiscard]] std::unique_ptr<run_store> make_sql_run_store(std::unique_ptr<sql_database> database);

}  // namespace graphbit
