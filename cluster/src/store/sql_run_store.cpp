#include "sql_run_store.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "run_rows.hpp"
#include "store_errors.hpp"
#include "store_rules.hpp"
#include "stored_value.hpp"

namespace graphbit {

namespace {

using namespace store_rules;

[[nodiscard]] std::int64_t number(std::uint64_t n) { return static_cast<std::int64_t>(n); }
[[nodiscard]] std::int64_t number(stored_state s) { return static_cast<std::int64_t>(s); }

// Rows are locked in the order of run ids wherever several are, so that no two wait for each other.
template <class Items>
[[nodiscard]] std::vector<std::size_t> in_locking_order(const Items& items) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&items](std::size_t a, std::size_t b) {
    return items[a].run_id < items[b].run_id;
  });
  return order;
}

[[nodiscard]] sql_call change_call(std::int64_t run_no, const run_change& to) {
  return {
      "UPDATE runs SET state = $2, lease_until = 0, failure = $4, changed_at = store_now(), "
      "wake_at = CASE WHEN $2 <> 2 THEN NULL WHEN message_id > told_id THEN store_now() "
      "ELSE CAST($3 AS BIGINT) END, "
      "ended_at = CASE WHEN $2 >= 4 THEN store_now() END WHERE no = $1",
      {run_no, number(to.state), to.wake_at ? sql_param(to_ms(*to.wake_at)) : sql_param(nullptr),
       sql_bytes{to.failure_json}}};
}

/// Runs that are to be made, as rows. Those of one workflow share its packed text.
class new_runs {
 public:
  /// `runs` must live as long as this.
  explicit new_runs(std::span<const run_to_begin> runs) : runs_(runs) {
    inputs_.reserve(runs.size());
    for (const auto& run : runs) {
      workflows_.try_emplace(run.workflow_json, run.workflow_json, workflow_inline_bytes_max);
      inputs_.emplace_back(run.inputs_json, value_inline_bytes_max);
    }
  }

  [[nodiscard]] std::span<const run_to_begin> runs() const noexcept { return runs_; }

  /// Gives the number of the new run and when it was made; nothing if one of that name is there.
  [[nodiscard]] sql_call insert_call(std::size_t i, const run_lease& lease) const {
    const auto& run = runs_[i];
    const auto& workflow = workflow_of(i);
    return {
        "INSERT INTO runs (run_id, workflow_name, graph_hash, forked_from, about, workflow, "
        "workflow_blob, inputs, inputs_blob, checksum, owner, lease_until, state, failure, token, "
        "created_at, changed_at, last_id, message_id, told_id) VALUES ($1, $2, $3, $4, $5, $6, "
        "$7, $8, $9, $10, $11, store_now() + $12, 1, $13, 1, store_now(), store_now(), 0, 0, 0) "
        "ON CONFLICT (run_id) DO NOTHING RETURNING no, created_at",
        {std::string_view(run.run_id), std::string_view(run.workflow_name),
         std::string_view(run.graph_hash), std::string_view(run.forked_from),
         sql_bytes{run.about_json}, workflow.inline_param(), workflow.hash_param(),
         inputs_[i].inline_param(), inputs_[i].hash_param(),
         checksum_of_run(row_of(run), workflow.fingerprint(), inputs_[i].fingerprint()),
         std::string_view(lease.owner), lease.length.count(), sql_bytes{}}};
  }
  void add_blob_calls(std::size_t i, std::int64_t run_no, std::vector<sql_call>& calls) const {
    workflow_of(i).add_calls(run_no, calls);
    inputs_[i].add_calls(run_no, calls);
  }
  [[nodiscard]] claimed_run begun(std::size_t i, const run_lease& lease, wall_time at) const {
    auto row = row_of(runs_[i]);
    row.owner = lease.owner;
    row.token = 1;
    row.lease_until = at + lease.length;
    row.created_at = row.changed_at = at;
    row.workflow_json = runs_[i].workflow_json;
    row.inputs_json = runs_[i].inputs_json;
    return {std::move(row), 1, true, {}, {}};
  }

 private:
  [[nodiscard]] static stored_run row_of(const run_to_begin& run) {
    return {.run_id = run.run_id,
            .workflow_name = run.workflow_name,
            .graph_hash = run.graph_hash,
            .about_json = run.about_json,
            .forked_from = run.forked_from};
  }
  [[nodiscard]] const stored_value& workflow_of(std::size_t i) const {
    return workflows_.at(runs_[i].workflow_json);
  }

  std::span<const run_to_begin> runs_;
  std::map<std::string_view, stored_value> workflows_;
  std::vector<stored_value> inputs_;
};

/// Durable runs in an SQL database. Each call is one transaction.
class sql_run_store final : public run_store {
 public:
  explicit sql_run_store(std::unique_ptr<sql_database> database) : db_(std::move(database)) {}

  std::string name() const override { return db_->name(); }

  expected<std::vector<expected<claimed_run>>> begin_all(std::span<const run_to_begin> runs,
                                                         const run_lease& lease) override {
    std::vector<expected<claimed_run>> result;
    const new_runs made(runs);
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      result.assign(runs.size(), claimed_run{});
      return begin_together(sql, made, lease, result);
    });
    if (!done) return fail(done.error());
    return result;
  }

  expected<std::optional<claimed_run>> claim(const std::string& run_id, const run_lease& lease,
                                             claim_rule rule, const std::string& gone) override {
    std::optional<claimed_run> result;
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      auto row = find_run(sql, run_id, true);
      if (!row) return fail(row.error());
      if (!*row) return fail(no_such_run(run_id, name()));
      auto taken = take(sql, **row, lease, rule, gone);
      if (!taken) return fail(taken.error());
      result = std::move(*taken);
      return {};
    });
    if (!done) return fail(done.error());
    return result;
  }

  expected<std::vector<append_result>> append(std::span<const run_append> groups) override {
    std::vector<std::vector<stored_value>> bodies(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i)
      for (const auto& record : groups[i].records)
        bodies[i].emplace_back(record.body, value_inline_bytes_max);
    return once(digest_of(groups), [&](sql_connection& sql, std::vector<append_result>& results) {
      return append_all(sql, groups, bodies, results);
    });
  }

  expected<renewal> renew(const run_lease& lease, std::span<const held_run> held) override {
    renewal result;
    const auto order = in_locking_order(held);
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      result = {};
      std::vector<sql_call> calls;
      for (const auto i : order)
        calls.push_back(
            {"UPDATE runs SET lease_until = CASE WHEN lease_until = 0 THEN 0 "
             "ELSE store_now() + $3 END WHERE run_id = $1 AND token = $2 "
             "RETURNING no, told_id, message_id, lease_until",
             {std::string_view(held[i].run_id), number(held[i].token), lease.length.count()}});
      auto rows = sql.run_all(calls);
      if (!rows) return fail(rows.error());
      for (std::size_t at = 0; at < order.size(); ++at) {
        const auto& run = held[order[at]];
        const auto& row = (*rows)[at];
        if (row.empty())
          result.lost.push_back(run.run_id);
        else if (row.integer(0, 2) > row.integer(0, 1) && row.integer(0, 3) != 0)
          if (auto told = tell(sql, run.run_id, row, result.messages); !told) return told;
      }
      return {};
    });
    if (!done) return fail(done.error());
    return result;
  }

  expected<std::vector<stored_run>> due(const std::string& after, std::size_t limit) override {
    // Two selections, so that each has its index.
    static const auto sql =
        select_runs("WHERE state = 1 AND lease_until <= store_now() AND run_id > $1 UNION ALL ") +
        select_runs(
            "WHERE state = 2 AND wake_at <= store_now() AND run_id > $1 "
            "ORDER BY run_id LIMIT $2");
    return select({sql.c_str(), {std::string_view(after), number(limit)}});
  }

  expected<void> send_signal(const std::string& run_id, const std::string& signal,
                             const std::string& value_json) override {
    const journal_record record{0, journal_kind::signal, signal, value_json, {}};
    std::vector<stored_value> bodies;
    bodies.emplace_back(record.body, value_inline_bytes_max);
    auto done = once(digest_of(run_id, record),
                     [&](sql_connection& sql, std::vector<append_result>&) -> expected<void> {
                       auto row = find_run(sql, run_id, true);
                       if (!row) return fail(row.error());
                       if (!*row) return fail(no_such_run(run_id, name()));
                       if (is_ended((*row)->run.state)) return fail(run_has_ended((*row)->run));
                       return add_message(sql, **row, record, bodies);
                     });
    if (!done) return fail(done.error());
    return {};
  }

  expected<stored_state> request_cancel(const std::string& run_id) override {
    stored_state state{};
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      auto row = find_run(sql, run_id, true);
      if (!row) return fail(row.error());
      if (!*row) return fail(no_such_run(run_id, name()));
      state = (*row)->run.state;
      if (is_ended(state)) return {};
      const journal_record record{0, journal_kind::cancel_request, {}, {}, {}};
      std::vector<stored_value> bodies;
      bodies.emplace_back(record.body, value_inline_bytes_max);
      if (auto told = add_message(sql, **row, record, bodies); !told) return told;
      if ((*row)->run.lease_until > (*row)->now) return {};
      state = stored_state::cancelled;
      // An owner that comes back late is fenced by the new token.
      const run_change cancelled{.state = stored_state::cancelled};
      const std::vector<sql_call> calls{
          {"UPDATE runs SET token = token + 1 WHERE no = $1", {(*row)->no}},
          change_call((*row)->no, cancelled)};
      if (auto ended = sql.run_all(calls); !ended) return fail(ended.error());
      return {};
    });
    if (!done) return fail(done.error());
    return state;
  }

  expected<std::vector<stored_run>> list(const run_filter& filter) override {
    static const auto sql = select_runs(
        "WHERE ($1 = 0 OR state = $1) AND ($2 = '' OR workflow_name = $2) AND ($3 = '' OR no < "
        "(SELECT seen.no FROM runs seen WHERE seen.run_id = $3)) ORDER BY no DESC LIMIT $4");
    return select(
        {sql.c_str(),
         {filter.state ? number(*filter.state) : 0, std::string_view(filter.workflow_name),
          std::string_view(filter.after), number(filter.limit)}});
  }

  expected<std::vector<std::string>> ended_of(std::span<const std::string> run_ids) override {
    std::vector<std::string> ended;
    std::vector<sql_call> calls;
    for (const auto& run_id : run_ids)
      calls.push_back({"SELECT 1 FROM runs WHERE run_id = $1 AND ended_at IS NOT NULL",
                       {std::string_view(run_id)}});
    auto done = db_->read([&](sql_connection& sql) -> expected<void> {
      ended.clear();
      auto rows = sql.run_all(calls);
      if (!rows) return fail(rows.error());
      for (std::size_t i = 0; i < run_ids.size(); ++i)
        if (!(*rows)[i].empty()) ended.push_back(run_ids[i]);
      return {};
    });
    if (!done) return fail(done.error());
    return ended;
  }

  expected<std::optional<stored_run>> find(const std::string& run_id) override {
    std::optional<stored_run> result;
    auto done = db_->read([&](sql_connection& sql) -> expected<void> {
      result.reset();
      auto row = find_run(sql, run_id, false);
      if (!row) return fail(row.error());
      if (!*row) return {};
      if (auto read = read_run_texts(sql, **row); !read) return read;
      result = std::move((*row)->run);
      return {};
    });
    if (!done) return fail(done.error());
    return result;
  }

  expected<std::vector<journal_record>> records(const std::string& run_id, std::uint64_t after,
                                                std::size_t limit, milliseconds wait) override {
    const auto until = system_clock().now() + wait;
    for (;;) {
      const auto seen = db_->changes();
      auto found = records_now(run_id, after, limit);
      if (!found || !found->empty() || system_clock().now() >= until) return found;
      db_->wait_for_change(seen, until);
    }
  }

  expected<std::uint64_t> prune(const retention& keep, std::size_t limit) override {
    std::uint64_t gone = 0;
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      auto victims = find_victims(sql, keep, limit);
      if (!victims) return fail(victims.error());
      gone = victims->size();
      return erase(sql, *victims);
    });
    if (!done) return fail(done.error());
    if (gone != 0)
      if (auto shrunk = db_->shrink(); !shrunk) return fail(shrunk.error());
    return gone;
  }

  expected<store_size> size() override {
    store_size size;
    auto done = db_->read([&](sql_connection& sql) -> expected<void> {
      auto rows = sql.run({"SELECT count(*), count(ended_at), min(ended_at) FROM runs"});
      if (!rows) return fail(rows.error());
      size.runs_ended = static_cast<std::uint64_t>(rows->integer(0, 1));
      size.runs_open = static_cast<std::uint64_t>(rows->integer(0, 0)) - size.runs_ended;
      size.oldest.reset();
      if (!rows->is_null(0, 2)) size.oldest = from_ms(rows->integer(0, 2));
      return {};
    });
    if (!done) return fail(done.error());
    auto bytes = db_->bytes();
    if (!bytes) return fail(bytes.error());
    size.bytes = *bytes;
    return size;
  }

  expected<std::uint64_t> join(const std::string& member, const std::string& about_json,
                               milliseconds lease) override {
    auto rows = write_one(
        {"INSERT INTO members (name, about, epoch, alive_until) VALUES ($1, $2, 1, store_now() + "
         "$3) ON CONFLICT (name) DO UPDATE SET about = $2, epoch = members.epoch + 1, alive_until "
         "= store_now() + $3 RETURNING epoch",
         {std::string_view(member), sql_bytes{about_json}, lease.count()}});
    if (!rows) return fail(rows.error());
    return static_cast<std::uint64_t>(rows->integer(0, 0));
  }

  expected<bool> stay(const std::string& member, std::uint64_t epoch, milliseconds lease) override {
    auto rows =
        write_one({"UPDATE members SET alive_until = store_now() + $3 WHERE name = $1 AND "
                   "epoch = $2 AND alive_until <> 0 RETURNING epoch",
                   {std::string_view(member), number(epoch), lease.count()}});
    if (!rows) return fail(rows.error());
    return !rows->empty();
  }

  expected<void> leave(const std::string& member, std::uint64_t epoch) override {
    auto rows = write_one({"UPDATE members SET alive_until = 0 WHERE name = $1 AND epoch = $2",
                           {std::string_view(member), number(epoch)}});
    if (!rows) return fail(rows.error());
    return {};
  }

  expected<std::vector<store_member>> members() override {
    std::vector<store_member> alive;
    auto done = db_->read([&](sql_connection& sql) -> expected<void> {
      alive.clear();
      auto rows =
          sql.run({"SELECT name, about, epoch, alive_until FROM members WHERE alive_until > "
                   "store_now() ORDER BY name"});
      if (!rows) return fail(rows.error());
      for (std::size_t i = 0; i < rows->size(); ++i)
        alive.push_back({rows->text(i, 0), rows->text(i, 1),
                         static_cast<std::uint64_t>(rows->integer(i, 2)),
                         from_ms(rows->integer(i, 3))});
      return {};
    });
    if (!done) return fail(done.error());
    return alive;
  }

 private:
  [[nodiscard]] static expected<void> begin_together(sql_connection& sql, const new_runs& made,
                                                     const run_lease& lease,
                                                     std::vector<expected<claimed_run>>& result) {
    const auto order = in_locking_order(made.runs());
    std::vector<sql_call> calls;
    for (const auto i : order) calls.push_back(made.insert_call(i, lease));
    auto rows = sql.run_all(calls);
    if (!rows) return fail(rows.error());
    calls.clear();
    for (std::size_t at = 0; at < order.size(); ++at) {
      const auto i = order[at];
      const auto& row = (*rows)[at];
      if (!row.empty()) {
        made.add_blob_calls(i, row.integer(0, 0), calls);
        result[i] = made.begun(i, lease, from_ms(row.integer(0, 1)));
        continue;
      }
      auto there = find_run(sql, made.runs()[i].run_id, true);
      if (!there) return fail(there.error());
      auto taken = take(sql, **there, lease, claim_rule::open, {});
      if (taken)
        result[i] = std::move(**taken);
      else if (taken.error().field == "run_id")  // held by another: its caller's affair alone
        result[i] = fail(std::move(taken.error()));
      else
        return fail(std::move(taken.error()));
    }
    if (auto kept = sql.run_all(calls); !kept) return fail(kept.error());
    return {};
  }

  // Nothing: by the rule `due`, it is not due.
  [[nodiscard]] static expected<std::optional<claimed_run>> take(sql_connection& sql, run_row& row,
                                                                 const run_lease& lease,
                                                                 claim_rule rule,
                                                                 const std::string& gone) {
    const auto answer = answer_claim(row.run, lease, rule, gone, row.now);
    const auto before = state_of(row.run);
    if (answer == claim_answer::not_due) return std::nullopt;
    if (answer == claim_answer::is_held) return fail(run_is_held(row.run, row.now));
    std::uint64_t token = 0;
    if (answer == claim_answer::take) {
      auto rows = sql.run(
          {"UPDATE runs SET owner = $2, token = token + 1, lease_until = store_now() + $3, "
           "state = 1, wake_at = NULL, ended_at = NULL, failure = $4, changed_at = store_now(), "
           "told_id = last_id WHERE no = $1 RETURNING token",
           {row.no, std::string_view(lease.owner), lease.length.count(), sql_bytes{}}});
      if (!rows) return fail(rows.error());
      token = static_cast<std::uint64_t>(rows->integer(0, 0));
      auto now = find_run(sql, row.run.run_id, false);
      if (!now) return fail(now.error());
      row = std::move(**now);
    }
    if (auto read = read_run_texts(sql, row); !read) return fail(read.error());
    auto records = read_records(sql, row, 0, row.run.last_id);
    if (!records) return fail(records.error());
    return claimed_run{std::move(row.run), token, false, std::move(*records), before};
  }

  [[nodiscard]] expected<void> append_all(sql_connection& sql, std::span<const run_append> groups,
                                          const std::vector<std::vector<stored_value>>& bodies,
                                          std::vector<append_result>& results) {
    const auto order = in_locking_order(groups);
    std::vector<sql_call> calls;
    for (const auto i : order)
      calls.push_back(
          {"UPDATE runs SET last_id = last_id + $3, changed_at = store_now() "
           "WHERE run_id = $1 AND token = $2 RETURNING no, last_id",
           {std::string_view(groups[i].run_id), number(groups[i].token),
            number(groups[i].records.size())}});
    auto rows = sql.run_all(calls);
    if (!rows) return fail(rows.error());

    results.assign(groups.size(), {.fenced = true});
    calls.clear();
    for (std::size_t at = 0; at < order.size(); ++at) {
      const auto& row = (*rows)[at];
      if (row.empty()) continue;
      const auto i = order[at];
      const auto no = row.integer(0, 0);
      const auto last = static_cast<std::uint64_t>(row.integer(0, 1));
      results[i] = {false, last};
      add_record_calls(no, last - groups[i].records.size() + 1, groups[i].records, bodies[i],
                       calls);
      if (groups[i].change) calls.push_back(change_call(no, *groups[i].change));
    }
    if (auto written = sql.run_all(calls); !written) return fail(written.error());
    if (calls.empty()) return {};
    return db_->announce(sql);
  }

  // The messages that a holder has not got yet.
  [[nodiscard]] static expected<void> tell(sql_connection& sql, const std::string& run_id,
                                           const sql_rows& row,
                                           std::vector<run_message>& messages) {
    run_row held;
    held.no = row.integer(0, 0);
    held.run.run_id = run_id;
    held.run.last_id = static_cast<std::uint64_t>(row.integer(0, 2));
    const auto told = static_cast<std::uint64_t>(row.integer(0, 1));
    auto records = read_records(sql, held, told, held.run.last_id - told);
    if (!records) return fail(records.error());
    for (auto& record : *records)
      if (record.kind == journal_kind::signal || record.kind == journal_kind::cancel_request)
        messages.push_back({run_id, std::move(record)});
    auto marked =
        sql.run({"UPDATE runs SET told_id = $2 WHERE no = $1", {held.no, row.integer(0, 2)}});
    if (!marked) return fail(marked.error());
    return {};
  }

  [[nodiscard]] expected<void> add_message(sql_connection& sql, const run_row& row,
                                           journal_record record,
                                           const std::vector<stored_value>& bodies) {
    record.at = row.now;
    const auto id = row.run.last_id + 1;
    std::vector<sql_call> calls{
        {"UPDATE runs SET last_id = $2, message_id = $2, changed_at = store_now(), "
         "wake_at = CASE WHEN state = 2 THEN store_now() ELSE wake_at END WHERE no = $1",
         {row.no, number(id)}}};
    const std::vector<journal_record> records{std::move(record)};
    add_record_calls(row.no, id, records, bodies, calls);
    if (auto written = sql.run_all(calls); !written) return fail(written.error());
    return db_->announce(sql);
  }

  [[nodiscard]] expected<std::vector<stored_run>> select(const sql_call& call) {
    std::vector<stored_run> found;
    auto done = db_->read([&](sql_connection& sql) -> expected<void> {
      found.clear();
      auto rows = sql.run(call);
      if (!rows) return fail(rows.error());
      for (std::size_t i = 0; i < rows->size(); ++i)
        found.push_back(std::move(read_run_row(*rows, i).run));
      return {};
    });
    if (!done) return fail(done.error());
    return found;
  }

  [[nodiscard]] expected<std::vector<journal_record>> records_now(const std::string& run_id,
                                                                  std::uint64_t after,
                                                                  std::size_t limit) {
    std::vector<journal_record> found;
    auto done = db_->read([&](sql_connection& sql) -> expected<void> {
      found.clear();
      auto row = find_run(sql, run_id, false);
      if (!row) return fail(row.error());
      if (!*row) return fail(no_such_run(run_id, name()));
      if ((*row)->run.last_id <= after) return {};
      auto records = read_records(sql, **row, after, limit);
      if (!records) return fail(records.error());
      found = std::move(*records);
      return {};
    });
    if (!done) return fail(done.error());
    return found;
  }

  [[nodiscard]] static expected<std::vector<std::int64_t>> find_victims(sql_connection& sql,
                                                                        const retention& keep,
                                                                        std::size_t limit) {
    std::int64_t too_many = 0;
    if (keep.count) {
      auto rows = sql.run({"SELECT count(*) FROM runs WHERE ended_at IS NOT NULL"});
      if (!rows) return fail(rows.error());
      too_many = rows->integer(0, 0) - number(*keep.count);
    }
    auto rows =
        sql.run({"SELECT no, store_now() - ended_at FROM runs WHERE ended_at IS NOT NULL "
                 "ORDER BY ended_at, no LIMIT $1 /*lock*/",
                 {number(limit)}});
    if (!rows) return fail(rows.error());
    std::vector<std::int64_t> victims;
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const bool too_old = keep.age && rows->integer(i, 1) > keep.age->count();
      if (!too_old && number(i) >= too_many) break;
      victims.push_back(rows->integer(i, 0));
    }
    return victims;
  }

  [[nodiscard]] static expected<void> erase(sql_connection& sql,
                                            const std::vector<std::int64_t>& victims) {
    std::vector<sql_call> calls;
    for (const auto no : victims) {
      calls.push_back({"DELETE FROM records WHERE run_no = $1", {no}});
      calls.push_back({"DELETE FROM runs WHERE no = $1", {no}});
      calls.push_back({"DELETE FROM blob_uses WHERE run_no = $1 RETURNING hash", {no}});
    }
    auto rows = sql.run_all(calls);
    if (!rows) return fail(rows.error());
    std::set<std::string> hashes;
    for (std::size_t at = 2; at < rows->size(); at += 3)
      for (std::size_t i = 0; i < (*rows)[at].size(); ++i) hashes.insert((*rows)[at].text(i, 0));
    calls.clear();
    for (const auto& hash : hashes)
      calls.push_back(
          {"DELETE FROM blobs WHERE hash = $1 AND NOT EXISTS (SELECT 1 FROM blob_uses "
           "WHERE blob_uses.hash = $1)",
           {sql_bytes{hash}}});
    if (auto done = sql.run_all(calls); !done) return fail(done.error());
    return {};
  }

  [[nodiscard]] expected<sql_rows> write_one(const sql_call& call) {
    sql_rows result;
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      auto rows = sql.run(call);
      if (!rows) return fail(rows.error());
      result = std::move(*rows);
      return {};
    });
    if (!done) return fail(done.error());
    return result;
  }

  // --- what is written once, however often its caller has to repeat it --------------------------

  // A write whose outcome is not known, because the connection broke while it was committed.
  struct open_question {
    std::int64_t doubt = 0;
    std::int64_t digest = 0;  // of what was written
    std::vector<append_result> results;
  };

  [[nodiscard]] static std::int64_t digest_of(std::span<const run_append> groups) {
    row_checksum sum;
    for (const auto& group : groups) {
      sum.add(group.run_id).add(number(group.token));
      if (group.change) sum.add(number(group.change->state));
      for (const auto& record : group.records)
        sum.add(static_cast<std::int64_t>(record.kind)).add(record.key).add(record.body);
    }
    return sum.value();
  }
  [[nodiscard]] static std::int64_t digest_of(const std::string& run_id,
                                              const journal_record& message) {
    return row_checksum().add(run_id).add(message.key).add(message.body).value();
  }

  template <class Write>
  [[nodiscard]] expected<std::vector<append_result>> once(std::int64_t digest, Write write) {
    const std::lock_guard guard(once_mutex_);
    if (question_) {
      auto was_written = db_->was_written(question_->doubt);
      if (!was_written) return fail(was_written.error());
      auto former = *std::exchange(question_, std::nullopt);
      if (*was_written && former.digest == digest) return former.results;
    }
    std::vector<append_result> results;
    std::int64_t doubt = 0;
    auto done = db_->write([&](sql_connection& sql) { return write(sql, results); }, &doubt);
    if (done) return results;
    if (doubt != 0) question_ = open_question{doubt, digest, std::move(results)};
    return fail(done.error());
  }

  std::unique_ptr<sql_database> db_;
  std::mutex once_mutex_;
  std::optional<open_question> question_;
};

}  // namespace

std::unique_ptr<run_store> make_sql_run_store(std::unique_ptr<sql_database> database) {
  return std::make_unique<sql_run_store>(std::move(database));
}

}  // namespace graphbit
