#pragma once

#include <memory>
#include <string>

#include <graphbit/actors/batch_journal.hpp>

namespace graphbit {

/// Opens (or makes) a batch journal in an SQLite file, in WAL mode with synchronous=FULL: what
/// `keep` returned from survives a power loss. The file is locked to this process until closed.
/// `arguments` says how the batch is run; a journal made with others is refused.
/// Errors: Validation{field="journal"} for other arguments, another version or a second process;
/// ResourceExhausted for a full disk; Core for a damaged file. Each says what to do.
[[nodiscard]] expected<std::unique_ptr<batch_journal>> open_sqlite_batch_journal(
    const std::string& path, const std::string& arguments);

}  // namespace graphbit
