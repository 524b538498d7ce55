#include "store_schema.hpp"

namespace graphbit {

std::string in_dialect(std::string_view step, const sql_dialect& dialect) {
  const std::array<std::pair<std::string_view, std::string_view>, 4> words{
      {{"{serial_key}", dialect.serial_key},
       {"{bytes}", dialect.bytes},
       {"{byte_order}", dialect.byte_order},
       {"{clustered}", dialect.clustered}}};
  std::string sql(step);
  for (const auto& [word, meaning] : words)
    for (auto at = sql.find(word); at != std::string::npos; at = sql.find(word, at))
      sql.replace(at, word.size(), meaning);
  return sql;
}

}  // namespace graphbit
