#pragma once

#include <string>

#include <graphbit/actors/workflow.hpp>

namespace graphbit {

/// What makes two workflows the same to a durable run: their nodes by name with all that these do,
/// and their connections. Ids, the workflow's own name and its description do not count, nor can
/// the code of functions: only their names.
[[nodiscard]] json_value graph_identity(const workflow& flow);

/// SHA-256 of the identity, 64 hexadecimal digits.
[[nodiscard]] std::string graph_hash(const json_value& identity);

/// What differs, in words: "node 'draft' changed (prompt); node 'review' is new; ...". Empty:
/// nothing.
[[nodiscard]] std::string graph_difference(const json_value& before, const json_value& after);

}  // namespace graphbit
