#pragma once

#include <functional>
#include <memory>
#include <string>

#include <graphbit/actors/run_store.hpp>

namespace graphbit {

/// Opens (or makes) a store of durable runs by its name:
/// - ":memory:": in this process; ends with it.
/// - "postgresql://..." or "postgres://...": a database that machines share.
/// - anything else: an SQLite file, for the processes of one machine.
/// Errors: Configuration{store} for a name that cannot be one; Runtime for a file that cannot be
/// opened; Network for a server that cannot be reached; Core for damaged contents, Validation for
/// contents of a newer version.
[[nodiscard]] expected<std::unique_ptr<run_store>> open_run_store(const std::string& name);

/// A store in memory whose clock is `now`.
[[nodiscard]] std::unique_ptr<run_store> make_memory_run_store(std::function<wall_time()> now);

}  // namespace graphbit
