#include "sql_limit_authority.hpp"

#include <algorithm>
#include <utility>

#include "random_bytes.hpp"

namespace graphbit {

namespace {

/// Shares in a table: one row holds the state of one limit, and is locked while it is changed. The
/// database's clock is the only one that counts; when it is put back, shares only last longer.
class sql_limit_authority final : public limit_authority {
 public:
  explicit sql_limit_authority(std::unique_ptr<sql_database> database) : db_(std::move(database)) {}

  expected<std::uint64_t> join() override {
    std::uint64_t holder = 0;
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      auto rows =
          sql.run({"INSERT INTO counters (name, value) VALUES ('holder', 1) ON CONFLICT "
                   "(name) DO UPDATE SET value = counters.value + 1 RETURNING value"});
      if (!rows) return fail(rows.error());
      holder = static_cast<std::uint64_t>(rows->integer(0, 0));
      return {};
    });
    if (!done) return fail(done.error());
    return holder;
  }

  expected<policy::limit_share> lease(std::string_view limit,
                                      const policy::share_request& request) override {
    policy::limit_share share;
    auto done = change(limit, [&](policy::limit_shares& shares, time_point now) {
      share = shares.lease(request, limit_share_lasts, now);
    });
    if (!done) return fail(done.error());
    return share;
  }

  expected<void> give_back(std::string_view limit, const policy::share_return& back) override {
    return change(
        limit, [&](policy::limit_shares& shares, time_point now) { shares.give_back(back, now); });
  }

  expected<std::string> hash_key() override {
    auto fresh = random_bytes(32);
    if (!fresh) return fresh;
    std::string key;
    auto done = db_->write([&](sql_connection& sql) -> expected<void> {
      auto made =
          sql.run({"INSERT INTO secrets (name, value) VALUES ('limit names', $1) "
                   "ON CONFLICT (name) DO NOTHING",
                   {sql_bytes{*fresh}}});
      if (!made) return fail(made.error());
      auto rows = sql.run({"SELECT value FROM secrets WHERE name = 'limit names'"});
      if (!rows) return fail(rows.error());
      key = rows->text(0, 0);
      return {};
    });
    if (!done) return fail(done.error());
    return key;
  }

 private:
  using step = std::function<void(policy::limit_shares&, time_point now)>;

  [[nodiscard]] expected<void> change(std::string_view limit, const step& f) {
    return db_->write([&](sql_connection& sql) -> expected<void> {
      auto made =
          sql.run({"INSERT INTO limits (name, state, changed_at) VALUES ($1, '', 0) "
                   "ON CONFLICT (name) DO NOTHING",
                   {limit}});
      if (!made) return fail(made.error());
      auto rows =
          sql.run({"SELECT state, changed_at, store_now() FROM limits WHERE name = $1 "
                   "/*lock*/",
                   {limit}});
      if (!rows) return fail(rows.error());
      policy::limit_shares shares;
      if (const auto& state = rows->text(0, 0); !state.empty()) {
        auto known = policy::limit_shares::from_text(state);
        if (!known) return fail(known.error());
        shares = std::move(*known);
      }
      const auto now = std::max(rows->integer(0, 1), rows->integer(0, 2));
      f(shares, time_point(milliseconds(now)));
      const auto state = shares.to_text();
      auto kept = sql.run({"UPDATE limits SET state = $2, changed_at = $3 WHERE name = $1",
                           {limit, std::string_view(state), now}});
      if (!kept) return fail(kept.error());
      return {};
    });
  }

  std::unique_ptr<sql_database> db_;
};

}  // namespace

std::unique_ptr<limit_authority> make_sql_limit_authority(std::unique_ptr<sql_database> database) {
  return std::make_unique<sql_limit_authority>(std::move(database));
}

}  // namespace graphbit
