#pragma once

#include <memory>
#include <string>

#include <graphbit/actors/limit_authority.hpp>
#include <graphbit/runtime/clock.hpp>

namespace graphbit {

/// Opens (or makes) the authority of a store by the store's name, as `open_run_store` takes it:
/// ":memory:", an SQLite file (it serves one machine) or PostgreSQL (a cluster). Errors as there.
[[nodiscard]] expected<std::unique_ptr<limit_authority>> open_limit_authority(
    const std::string& name);

/// An authority in this process's memory: the owner is the authority of its members, other owners
/// know nothing of it, and it ends with the process. `clock` must outlive it.
[[nodiscard]] std::unique_ptr<limit_authority> make_memory_limit_authority(
    const clock& clock = system_clock());

}  // namespace graphbit
