#pragma once

#include <array>
#include <string>
#include <string_view>

namespace graphbit {

/// How SQLite and PostgreSQL call what our schema needs.
struct sql_dialect {
  std::string_view serial_key;  ///< a column that numbers its rows
  std::string_view bytes;
  std::string_view byte_order;  ///< text that sorts by its bytes
  std::string_view clustered;   ///< a table that lies in the order of its key
};

inline constexpr sql_dialect sqlite_dialect{"INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB", "",
                                            "WITHOUT ROWID"};
inline constexpr sql_dialect postgres_dialect{"BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                                              "BYTEA", "COLLATE \"C\"", ""};

/// The steps from nothing to today's schema; step n makes version n. A step that was released is
/// never changed: add another. `{serial_key}` and the like stand for the dialect's words.
///
/// Values over 64 KiB, and workflows, are in `blobs` by the hash of their contents; `blob_uses`
/// says which runs need them. `records` is not clustered: SQLite would put each answer of a
/// kilobyte onto a page of its own. `checksum` is a CRC-32 that finds what a disk has changed.
inline constexpr std::array<std::string_view, 1> store_schema{R"sql(
  CREATE TABLE runs (
    no {serial_key},
    run_id TEXT {byte_order} NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    graph_hash TEXT NOT NULL,
    forked_from TEXT NOT NULL,
    about {bytes} NOT NULL,
    workflow {bytes} NOT NULL, workflow_blob {bytes},
    inputs {bytes} NOT NULL, inputs_blob {bytes},
    checksum BIGINT NOT NULL,
    state BIGINT NOT NULL,
    failure {bytes} NOT NULL,
    owner TEXT NOT NULL, token BIGINT NOT NULL, lease_until BIGINT NOT NULL,
    wake_at BIGINT,
    created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL, ended_at BIGINT,
    last_id BIGINT NOT NULL, message_id BIGINT NOT NULL, told_id BIGINT NOT NULL);
  CREATE INDEX runs_running ON runs (run_id) WHERE state = 1;
  CREATE INDEX runs_parked ON runs (wake_at) WHERE state = 2;
  CREATE INDEX runs_ended ON runs (ended_at, no) WHERE ended_at IS NOT NULL;
  CREATE TABLE records (
    run_no BIGINT NOT NULL, id BIGINT NOT NULL,
    kind BIGINT NOT NULL, key TEXT NOT NULL, at BIGINT NOT NULL,
    body {bytes} NOT NULL, blob {bytes}, checksum BIGINT NOT NULL,
    PRIMARY KEY (run_no, id));
  CREATE TABLE blobs (
    hash {bytes} PRIMARY KEY, codec BIGINT NOT NULL, size BIGINT NOT NULL, bytes {bytes} NOT NULL);
  CREATE TABLE blob_uses (
    run_no BIGINT NOT NULL, hash {bytes} NOT NULL REFERENCES blobs (hash),
    PRIMARY KEY (run_no, hash)) {clustered};
  CREATE INDEX blob_uses_hash ON blob_uses (hash);
  CREATE TABLE members (
    name TEXT {byte_order} PRIMARY KEY, about {bytes} NOT NULL, epoch BIGINT NOT NULL,
    alive_until BIGINT NOT NULL);
  CREATE TABLE limits (name TEXT PRIMARY KEY, state TEXT NOT NULL, changed_at BIGINT NOT NULL);
  CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value {bytes} NOT NULL);
  CREATE TABLE writers (
    writer TEXT PRIMARY KEY, mark BIGINT NOT NULL, changed_at BIGINT NOT NULL);
)sql"};

/// The step in the words of the dialect.
[[nodiscard]] std::string in_dialect(std::string_view step, const sql_dialect& dialect);

}  // namespace graphbit
