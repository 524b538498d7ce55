#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Bytes that are no text.
struct sql_bytes {
  std::string_view view;
};

/// A value to bind. Text and bytes must live until the call returns.
using sql_param = std::variant<std::nullptr_t, std::int64_t, std::string_view, sql_bytes>;

/// One statement with its values. `sql` is a literal in the words that SQLite and PostgreSQL share;
/// parameters are $1, $2, ...; `/*lock*/` at its end locks the selected rows where others could
/// change them meanwhile.
struct sql_call {
  const char* sql;
  std::vector<sql_param> params{};
};

/// What a statement gave.
class sql_rows {
 public:
  using cell = std::variant<std::nullptr_t, std::int64_t, std::string>;

  explicit sql_rows(std::size_t columns = 1) : columns_(columns == 0 ? 1 : columns) {}
  void add(cell c) { cells_.push_back(std::move(c)); }

  [[nodiscard]] std::size_t size() const noexcept { return cells_.size() / columns_; }
  [[nodiscard]] bool empty() const noexcept { return cells_.empty(); }
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const {
    return std::holds_alternative<std::nullptr_t>(at(row, column));
  }
  /// 0 for anything that is no number.
  [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const {
    const auto* n = std::get_if<std::int64_t>(&at(row, column));
    return n == nullptr ? 0 : *n;
  }
  /// Empty for anything that is neither text nor bytes.
  [[nodiscard]] const std::string& text(std::size_t row, std::size_t column) const {
    static const std::string none;
    const auto* s = std::get_if<std::string>(&at(row, column));
    return s == nullptr ? none : *s;
  }

 private:
  [[nodiscard]] const cell& at(std::size_t row, std::size_t column) const {
    return cells_[row * columns_ + column];
  }

  std::size_t columns_;
  std::vector<cell> cells_;
};

/// One connection within a transaction. One thread at a time.
class sql_connection {
 public:
  virtual ~sql_connection() = default;
  [[nodiscard]] virtual expected<sql_rows> run(const sql_call& call) = 0;
  /// Many statements, in one trip where there is one to make. Results in the order of the calls.
  [[nodiscard]] virtual expected<std::vector<sql_rows>> run_all(
      std::span<const sql_call> calls) = 0;
};

}  // namespace graphbit
