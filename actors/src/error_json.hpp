#pragma once

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/json_value.hpp>

namespace graphbit {

/// An error with the fields of its kind, for results and files.
[[nodiscard]] json_value error_json(const error& e);

/// Token counts in the contract's shape (section 7), with their details.
[[nodiscard]] json_value usage_json(const token_usage& usage);
void add_usage(token_usage& total, const token_usage& more);

}  // namespace graphbit
