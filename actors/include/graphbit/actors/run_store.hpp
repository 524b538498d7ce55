#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

/// Calendar time as stores keep it: whole milliseconds since 1970, UTC.
using wall_time = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

/// This machine's time.
[[nodiscard]] inline wall_time wall_now() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

/// Where a run is in its life. Numbers are part of stored data and never change their meaning.
enum class stored_state : std::uint8_t {
  running = 1,  ///< an owner works on it; once its lease has ended it is an orphan
  parked,       ///< nobody works on it until `wake_at`, or until a message comes
  paused,       ///< stopped by its caller; goes on when somebody claims it by name
  completed,
  failed,
  cancelled,
};
/// "running", ...
[[nodiscard]] std::string_view to_string(stored_state state) noexcept;
/// The state by its name, or nothing.
[[nodiscard]] std::optional<stored_state> stored_state_from(std::string_view name) noexcept;
/// True for completed, failed and cancelled.
[[nodiscard]] bool is_ended(stored_state state) noexcept;

/// What a record tells. Numbers are part of stored data and never change their meaning. A store
/// looks at none of them but `signal` and `cancel_request`, which are messages to the run.
enum class journal_kind : std::uint8_t {
  claimed = 1,     ///< an owner began to work on the run
  node_started,    ///< key: the node
  call_answered,   ///< one answer of a model inside a node that goes on; key: node and slot
  tool_answered,   ///< one result of a tool; key: node and slot
  wait_began,      ///< a wait node has begun: until when, for which signal
  node_parked,     ///< a node stopped and is tried again at a time
  node_ended,      ///< a node's whole result
  node_skipped,    ///< why a node was not run
  signal,          ///< key: the signal's name, body: its value
  cancel_request,  ///< somebody asked to cancel the run
  forgotten,       ///< what is recorded of the node `key` counts no longer
  run_ended,       ///< how the run ended
};

/// One fact about a run. Records of a run are never changed: they are its deltas, in order.
struct journal_record {
  std::uint64_t id = 0;  ///< given by the store: 1, 2, 3, ... within its run, without gaps
  journal_kind kind = journal_kind::node_ended;  ///< what happened
  std::string key;                               ///< to what: see journal_kind
  std::string body;  ///< JSON text, or empty; large ones are kept once, by hash, inside the store
  wall_time at{};    ///< when it happened, by its writer's clock
};

/// One run as a store lists it.
struct stored_run {
  std::string run_id;                          ///< unique in its store
  std::string workflow_name;                   ///< for people
  std::string graph_hash;                      ///< of the workflow: whether another is the same
  std::string about_json;                      ///< what an adopter must have; not read by the store
  std::string forked_from;                     ///< run id, empty for others
  stored_state state = stored_state::running;  ///< where it is in its life
  std::string failure_json;                    ///< failed: the error; else empty
  std::string owner;                           ///< of the last lease, also after it ended
  std::uint64_t token = 0;                     ///< of the last lease
  wall_time lease_until{};                     ///< by the store's clock; the epoch: released
  std::optional<wall_time> wake_at{};          ///< parked
  wall_time created_at{};                      ///< by the store's clock
  wall_time changed_at{};                      ///< by the store's clock
  std::optional<wall_time> ended_at{};         ///< none: it has not
  std::uint64_t last_id = 0;                   ///< of its records
  std::string workflow_json;                   ///< these two only by `find`, `begin` and `claim`
  std::string inputs_json;                     ///< an object
};

/// Who works on a run, and for how long its word holds without being renewed.
struct run_lease {
  std::string owner;           ///< one text per process and executor, never used again
  milliseconds length{6'000};  ///< from now, by the store's clock
};

/// A run that is to be made.
struct run_to_begin {
  std::string run_id;         ///< unique in its store
  std::string workflow_name;  ///< for people
  std::string graph_hash;     ///< of the workflow
  std::string workflow_json;  ///< the workflow, whole
  std::string inputs_json;    ///< an object
  std::string about_json;     ///< what an adopter must have
  std::string forked_from;    ///< run id; empty for others
};

/// What becomes of a run together with a group of its records.
struct run_change {
  /// Every state but `running` releases the lease. `running` means handed over: the lease ends now,
  /// so that the next who looks adopts the run.
  stored_state state = stored_state::running;
  std::optional<wall_time> wake_at{};  ///< parked; none: only a message wakes it
  std::string failure_json{};          ///< failed
};

/// A run and all that is recorded of it.
struct claimed_run {
  stored_run run;  ///< as it is now
  /// The fencing token of the new lease, greater than any before it. 0: the run has ended and was
  /// not claimed.
  std::uint64_t token = 0;
  bool created = false;                 ///< it was not there before
  std::vector<journal_record> records;  ///< all of them, in order
  run_change before{};                  ///< what it was; of a run that was made: running
};

/// Which runs `claim` may take.
enum class claim_rule : std::uint8_t {
  due,    ///< orphans, and parked runs whose time has come: adoption
  open,   ///< all that have not ended and have no living lease
  ended,  ///< those too that ended: the run is open again afterwards
};

/// Records of one run, written together with those of other runs.
struct run_append {
  std::string run_id;                   ///< whose records they are
  std::uint64_t token = 0;              ///< of the writer's lease
  std::vector<journal_record> records;  ///< their ids are ignored
  std::optional<run_change> change{};   ///< what becomes of the run with them
};

/// What became of one run's records.
struct append_result {
  bool fenced = false;        ///< the token is not the run's any more: nothing was written
  std::uint64_t last_id = 0;  ///< of the run's records now
};

/// A run that its owner holds.
struct held_run {
  std::string run_id;       ///< which one
  std::uint64_t token = 0;  ///< of its lease
};

/// A record that somebody else wrote to a run that is held: a signal or a wish to cancel it.
struct run_message {
  std::string run_id;     ///< to which run
  journal_record record;  ///< what it says
};

/// What an owner learns when it renews its leases.
struct renewal {
  std::vector<std::string> lost;      ///< held by somebody else now, or gone
  std::vector<run_message> messages;  ///< each is given once per lease
};

/// Which runs are listed.
struct run_filter {
  std::optional<stored_state> state{};  ///< none: all
  std::string workflow_name{};          ///< empty: all
  std::size_t limit = 100;              ///< at most so many
  std::string after{};                  ///< run id of the last one seen; empty: from the newest
};

/// What ended runs are kept for. A run goes when either says so.
struct retention {
  std::optional<milliseconds> age = std::chrono::hours(24 * 30);  ///< since its end
  std::optional<std::uint64_t> count{};                           ///< the newest that stay
};

/// How much a store holds.
struct store_size {
  std::uint64_t runs_open = 0;        ///< that have not ended
  std::uint64_t runs_ended = 0;       ///< that have
  std::uint64_t bytes = 0;            ///< on disk, with all indexes; memory: of the contents
  std::optional<wall_time> oldest{};  ///< end of the run that ended first
};

/// A process that takes part in a cluster.
struct store_member {
  std::string name;         ///< unique in the cluster
  std::string about_json;   ///< what it told of itself
  std::uint64_t epoch = 0;  ///< of its last `join`
  wall_time alive_until{};  ///< by the store's clock
};

/// Where durable runs are kept: what is recorded of them, and who may go on with them.
///
/// Problem: a run must outlive its process, and two processes must never both record a run. Each
/// claim of a run gives a *token*; a store refuses everything said under an older one, however late
/// it comes. Implemented in memory, in SQLite and in PostgreSQL by `cluster/`; one suite of tests
/// holds for all three.
///
/// Every call blocks until it is durable (or refused) and takes its time from the store's own
/// clock, so that machines with wrong clocks agree. Threads: any but a reactor's, several at once;
/// `records` with a wait does not keep others waiting.
///
/// Errors: Validation{run_id} for a run that is not there; Network when the store is out of reach
/// (the call may be repeated: a group is written once or not at all as far as its caller can tell);
/// ResourceExhausted{"disk" or "database_lock"} when it cannot be written; Core when its contents
/// are damaged, or older than what this object has seen already (a restored backup).
class run_store {
 public:
  virtual ~run_store() = default;
  /// For people: "run.db", "postgresql://host/db"; never a password.
  [[nodiscard]] virtual std::string name() const = 0;

  // --- an owner's calls -------------------------------------------------------------------------

  /// Makes each run with a lease of the caller's; or claims the one that is there by the rule
  /// `open` (its own workflow, inputs and records are given); or gives one that has ended with
  /// token 0. All in one transaction. Error of one: Validation{run_id, value=owner} when a living
  /// lease of another holds it; `retry_after` says when that ends. Results are in the order of the
  /// runs, whose ids must differ.
  [[nodiscard]] virtual expected<std::vector<expected<claimed_run>>> begin_all(
      std::span<const run_to_begin> runs, const run_lease& lease) = 0;
  /// The same for one run.
  [[nodiscard]] expected<claimed_run> begin(const run_to_begin& run, const run_lease& lease);
  /// Claims a run that is there; errors as `begin`. By the rule `due`, a run that is not due (any
  /// more) gives nothing. Also takes it from `gone`, an owner that the caller knows to be dead
  /// (empty: nobody).
  [[nodiscard]] virtual expected<std::optional<claimed_run>> claim(
      const std::string& run_id, const run_lease& lease, claim_rule rule,
      const std::string& gone = {}) = 0;
  /// Appends all groups in one transaction, durably. A fenced group does not hold up the others;
  /// results are in the order of the groups. A run that parks while a message is there that was
  /// not given by `renew` or `claim` is due at once.
  [[nodiscard]] virtual expected<std::vector<append_result>> append(
      std::span<const run_append> groups) = 0;
  /// Lengthens the leases of these runs, and fetches their messages.
  [[nodiscard]] virtual expected<renewal> renew(const run_lease& lease,
                                                std::span<const held_run> held) = 0;
  /// Runs to adopt, by run id, from the one after `after` on.
  [[nodiscard]] virtual expected<std::vector<stored_run>> due(const std::string& after,
                                                              std::size_t limit) = 0;

  // --- anybody's calls --------------------------------------------------------------------------

  /// Tells the run something: appends a record of kind `signal` and wakes the run if it is parked.
  /// Error: Validation{run_id} for a run that has ended.
  [[nodiscard]] virtual expected<void> send_signal(const std::string& run_id,
                                                   const std::string& signal,
                                                   const std::string& value_json) = 0;
  /// Cancels a run that nobody works on, at once; else its owner is asked to by a message. Gives
  /// the state afterwards; an ended run stays what it was.
  [[nodiscard]] virtual expected<stored_state> request_cancel(const std::string& run_id) = 0;

  /// Newest first.
  [[nodiscard]] virtual expected<std::vector<stored_run>> list(const run_filter& filter) = 0;
  /// Those of these runs that have ended.
  [[nodiscard]] virtual expected<std::vector<std::string>> ended_of(
      std::span<const std::string> run_ids) = 0;
  /// One run with its workflow and inputs; nothing if it is not there.
  [[nodiscard]] virtual expected<std::optional<stored_run>> find(const std::string& run_id) = 0;
  /// Up to `limit` records after the one with the id `after`, in order. None yet: waits for one up
  /// to `wait`, and may come back earlier with none.
  [[nodiscard]] virtual expected<std::vector<journal_record>> records(
      const std::string& run_id, std::uint64_t after, std::size_t limit,
      milliseconds wait = milliseconds{0}) = 0;

  /// Deletes ended runs that are past their time, oldest first, at most `limit` of them so that
  /// others get their turn; gives their number.
  [[nodiscard]] virtual expected<std::uint64_t> prune(const retention& keep,
                                                      std::size_t limit = 1'000) = 0;
  /// For metrics and for `graphbit runs`.
  [[nodiscard]] virtual expected<store_size> size() = 0;

  // --- members of a cluster ---------------------------------------------------------------------

  /// Enters a member. Its epoch is greater than any before it under this name.
  [[nodiscard]] virtual expected<std::uint64_t> join(const std::string& member,
                                                     const std::string& about_json,
                                                     milliseconds lease) = 0;
  /// False: a later epoch of that name has joined, or it left; this one must stop.
  [[nodiscard]] virtual expected<bool> stay(const std::string& member, std::uint64_t epoch,
                                            milliseconds lease) = 0;
  /// Ends a membership in order; nothing happens when `epoch` is not its last.
  [[nodiscard]] virtual expected<void> leave(const std::string& member, std::uint64_t epoch) = 0;
  /// Those that are alive, by name.
  [[nodiscard]] virtual expected<std::vector<store_member>> members() = 0;
};

}  // namespace graphbit
