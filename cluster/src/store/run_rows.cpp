#include "run_rows.hpp"

#include <algorithm>

namespace graphbit {

namespace {

[[nodiscard]] error damaged_run(const stored_run& run, const std::string& what) {
  return core_error("run '" + run.run_id + "': " + what +
                    ". Restore the store from a copy, or delete the run and begin it again");
}

[[nodiscard]] std::int64_t checksum_of_record(std::uint64_t id, const journal_record& record,
                                              std::string_view body) {
  return row_checksum()
      .add(static_cast<std::int64_t>(id))
      .add(static_cast<std::int64_t>(record.kind))
      .add(to_ms(record.at))
      .add(record.key)
      .add(body)
      .value();
}

[[nodiscard]] std::optional<wall_time> optional_ms(const sql_rows& rows, std::size_t row,
                                                   std::size_t column) {
  if (rows.is_null(row, column)) return std::nullopt;
  return from_ms(rows.integer(row, column));
}

// A value that is a blob when `hash` is not empty.
[[nodiscard]] expected<std::string> read_value(sql_connection& sql, const std::string& hash,
                                               std::string in_row) {
  if (hash.empty()) return in_row;
  auto rows = sql.run({"SELECT codec, size, bytes FROM blobs WHERE hash = $1", {sql_bytes{hash}}});
  if (!rows) return fail(rows.error());
  if (rows->empty()) return fail(core_error("a stored value is missing"));
  return read_blob(hash, rows->integer(0, 0), rows->integer(0, 1), rows->text(0, 2));
}

// Rows of one statement: what a statement costs beside them is shared.
constexpr std::size_t rows_together = 8;

[[nodiscard]] std::string insert_records(std::size_t rows) {
  std::string sql = "INSERT INTO records (run_no, id, kind, key, at, body, blob, checksum) VALUES ";
  for (std::size_t row = 0, parameter = 0; row < rows; ++row) {
    for (int column = 0; column < 8; ++column)
      sql += (column != 0 ? ", $" : row == 0 ? "($" : ", ($") + std::to_string(++parameter);
    sql += ')';
  }
  return sql;
}

}  // namespace

std::string select_runs(std::string_view rest) {
  return "SELECT no, run_id, workflow_name, graph_hash, forked_from, about, state, failure, owner, "
         "token, lease_until, wake_at, created_at, changed_at, ended_at, last_id, message_id, "
         "told_id, store_now() FROM runs " +
         std::string(rest);
}

run_row read_run_row(const sql_rows& rows, std::size_t at) {
  run_row row;
  row.no = rows.integer(at, 0);
  auto& run = row.run;
  run.run_id = rows.text(at, 1);
  run.workflow_name = rows.text(at, 2);
  run.graph_hash = rows.text(at, 3);
  run.forked_from = rows.text(at, 4);
  run.about_json = rows.text(at, 5);
  run.state = static_cast<stored_state>(rows.integer(at, 6));
  run.failure_json = rows.text(at, 7);
  run.owner = rows.text(at, 8);
  run.token = static_cast<std::uint64_t>(rows.integer(at, 9));
  run.lease_until = from_ms(rows.integer(at, 10));
  run.wake_at = optional_ms(rows, at, 11);
  run.created_at = from_ms(rows.integer(at, 12));
  run.changed_at = from_ms(rows.integer(at, 13));
  run.ended_at = optional_ms(rows, at, 14);
  run.last_id = static_cast<std::uint64_t>(rows.integer(at, 15));
  row.message_id = rows.integer(at, 16);
  row.told_id = rows.integer(at, 17);
  row.now = from_ms(rows.integer(at, 18));
  return row;
}

expected<std::optional<run_row>> find_run(sql_connection& sql, const std::string& run_id,
                                          bool lock) {
  static const auto plain = select_runs("WHERE run_id = $1");
  static const auto locking = select_runs("WHERE run_id = $1 /*lock*/");
  auto rows = sql.run({(lock ? locking : plain).c_str(), {std::string_view(run_id)}});
  if (!rows) return fail(rows.error());
  if (rows->empty()) return std::nullopt;
  return read_run_row(*rows, 0);
}

expected<void> read_run_texts(sql_connection& sql, run_row& row) {
  auto rows =
      sql.run({"SELECT workflow, workflow_blob, inputs, inputs_blob, checksum FROM runs "
               "WHERE no = $1",
               {row.no}});
  if (!rows) return fail(rows.error());
  if (rows->empty()) return fail(damaged_run(row.run, "its row is missing"));
  const auto fingerprint = [&rows](std::size_t column) {
    return rows->is_null(0, column + 1) ? rows->text(0, column) : rows->text(0, column + 1);
  };
  if (checksum_of_run(row.run, fingerprint(0), fingerprint(2)) != rows->integer(0, 4))
    return fail(damaged_run(row.run, "its row is damaged"));
  auto workflow = read_value(sql, rows->text(0, 1), rows->text(0, 0));
  if (!workflow) return fail(workflow.error());
  auto inputs = read_value(sql, rows->text(0, 3), rows->text(0, 2));
  if (!inputs) return fail(inputs.error());
  row.run.workflow_json = std::move(*workflow);
  row.run.inputs_json = std::move(*inputs);
  return {};
}

std::int64_t checksum_of_run(const stored_run& run, std::string_view workflow,
                             std::string_view inputs) {
  return row_checksum()
      .add(run.run_id)
      .add(run.workflow_name)
      .add(run.graph_hash)
      .add(run.forked_from)
      .add(run.about_json)
      .add(workflow)
      .add(inputs)
      .value();
}

void add_record_calls(std::int64_t run_no, std::uint64_t first_id,
                      const std::vector<journal_record>& records,
                      const std::vector<stored_value>& bodies, std::vector<sql_call>& calls) {
  static const auto one = insert_records(1), many = insert_records(rows_together);
  for (std::size_t i = 0; i < records.size();) {
    const bool together = records.size() - i >= rows_together;
    const std::size_t end = i + (together ? rows_together : 1);
    sql_call call{(together ? many : one).c_str()};
    call.params.reserve(8 * (end - i));
    for (; i < end; ++i) {
      const auto& record = records[i];
      const auto& body = bodies[i];
      const auto id = first_id + i;
      body.add_calls(run_no, calls);
      call.params.insert(
          call.params.end(),
          {run_no, static_cast<std::int64_t>(id), static_cast<std::int64_t>(record.kind),
           std::string_view(record.key), to_ms(record.at), body.inline_param(), body.hash_param(),
           checksum_of_record(id, record, body.fingerprint())});
    }
    calls.push_back(std::move(call));
  }
}

expected<std::vector<journal_record>> read_records(sql_connection& sql, const run_row& row,
                                                   std::uint64_t after, std::uint64_t limit) {
  auto rows =
      sql.run({"SELECT r.id, r.kind, r.key, r.at, r.body, r.checksum, r.blob, b.codec, "
               "b.size, b.bytes FROM records r LEFT JOIN blobs b ON b.hash = r.blob "
               "WHERE r.run_no = $1 AND r.id > $2 ORDER BY r.id LIMIT $3",
               {row.no, static_cast<std::int64_t>(after), static_cast<std::int64_t>(limit)}});
  if (!rows) return fail(rows.error());
  const auto due = std::min(limit, row.run.last_id - std::min(after, row.run.last_id));
  if (rows->size() < due) return fail(damaged_run(row.run, "records are missing"));
  std::vector<journal_record> records;
  records.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    journal_record record{static_cast<std::uint64_t>(rows->integer(i, 0)),
                          static_cast<journal_kind>(rows->integer(i, 1)), rows->text(i, 2),
                          rows->text(i, 4), from_ms(rows->integer(i, 3))};
    const auto& hash = rows->text(i, 6);
    const auto name = "its record " + std::to_string(after + i + 1);
    if (record.id != after + i + 1) return fail(damaged_run(row.run, name + " is missing"));
    if (checksum_of_record(record.id, record, hash.empty() ? record.body : hash) !=
        rows->integer(i, 5))
      return fail(damaged_run(row.run, name + " is damaged"));
    if (!hash.empty()) {
      auto body = read_blob(hash, rows->integer(i, 7), rows->integer(i, 8), rows->text(i, 9));
      if (!body) return fail(damaged_run(row.run, name + " is damaged"));
      record.body = std::move(*body);
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace graphbit
