#pragma once

#include <memory>

#include <graphbit/actors/limit_authority.hpp>

#include "sql_database.hpp"

namespace graphbit {

[[nodiscard]] std::unique_ptr<limit_authority> make_sql_limit_authority(
    std::unique_ptr<sql_database> database);

}  // namespace graphbit
