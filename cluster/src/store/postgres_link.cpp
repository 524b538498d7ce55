#include "postgres_link.hpp"

#include <poll.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace graphbit {

namespace {

constexpr const char* session = R"sql(
  SET search_path TO graphbit; SET client_min_messages = error;
  SET statement_timeout = 10000; SET lock_timeout = 5000;
  SET idle_in_transaction_session_timeout = 3000; SET bytea_output = hex;
)sql";
// A commit must be durable, whatever the database's default; a stronger default stays.
constexpr const char* durable_commits =
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'";

constexpr Oid oid_of_bytes = 17, oid_of_int8 = 20, oid_of_int4 = 23, oid_of_text = 25;

[[nodiscard]] std::string one_line(const char* text) {
  std::string line(text == nullptr ? "" : text);
  for (auto& c : line)
    if (c == '\n') c = ' ';
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

template <class Integer>
[[nodiscard]] Integer from_network(const char* bytes) {
  std::make_unsigned_t<Integer> n = 0;
  for (std::size_t i = 0; i < sizeof n; ++i) n = (n << 8) | static_cast<unsigned char>(bytes[i]);
  return static_cast<Integer>(n);
}

/// A call's values in the form in which libpq takes them.
class bound_values {
 public:
  explicit bound_values(const sql_call& call) : numbers_(call.params.size()) {
    for (std::size_t i = 0; i < call.params.size(); ++i)
      std::visit([this, i](const auto& value) { add(i, value); }, call.params[i]);
  }

  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;

 private:
  void add(Oid type, const char* value, std::size_t length) {
    types.push_back(type);
    values.push_back(value);
    lengths.push_back(static_cast<int>(length));
    formats.push_back(1);  // binary
  }
  void add(std::size_t, std::nullptr_t) { add(0, nullptr, 0); }
  void add(std::size_t i, std::int64_t n) {
    for (std::size_t b = 0; b < 8; ++b)
      numbers_[i][b] = static_cast<char>(static_cast<std::uint64_t>(n) >> (56 - 8 * b));
    add(oid_of_int8, numbers_[i].data(), numbers_[i].size());
  }
  void add(std::size_t, std::string_view text) {
    add(oid_of_text, text.data() == nullptr ? "" : text.data(), text.size());
  }
  void add(std::size_t, sql_bytes bytes) {
    add(oid_of_bytes, bytes.view.data() == nullptr ? "" : bytes.view.data(), bytes.view.size());
  }

  std::vector<std::array<char, 8>> numbers_;
};

}  // namespace

expected<std::unique_ptr<postgres_link>> postgres_link::connect(const std::string& url,
                                                                milliseconds connect_timeout,
                                                                milliseconds call_timeout) {
  const auto pq = libpq::load();
  if (!pq) return fail(pq.error());
  const std::array<const char*, 9> names{
      "dbname",           "fallback_application_name", "client_encoding",
      "tcp_user_timeout", "keepalives_idle",           "keepalives_interval",
      "keepalives_count", "connect_timeout",           nullptr};
  const std::array<const char*, 9> values{url.c_str(), "graphbit", "UTF8", "10000", "10",
                                          "3",         "3",        "5",    nullptr};
  std::unique_ptr<postgres_link> link(new postgres_link(
      **pq, (*pq)->PQconnectStartParams(names.data(), values.data(), 1), call_timeout));
  if (!link->handle_) return fail(resource_error("memory", "no memory for a connection"));
  const auto until = system_clock().now() + connect_timeout;
  if (auto done = link->finish_connecting(until); !done) return fail(done.error());
  (*pq)->PQsetnonblocking(link->handle_.get(), 1);
  if (auto done = link->script(session); !done) return fail(done.error());
  if (auto done = link->script(durable_commits); !done) return fail(done.error());
  return link;
}

expected<void> postgres_link::finish_connecting(time_point until) {
  for (auto step = PGRES_POLLING_WRITING;;) {
    if (pq_.PQstatus(handle_.get()) == CONNECTION_BAD || step == PGRES_POLLING_FAILED) {
      const auto words = one_line(pq_.PQerrorMessage(handle_.get()));
      if (words.find("password") != std::string::npos ||
          words.find("authentication") != std::string::npos)
        return fail(authentication_error("postgresql", words + ": check user and password"));
      if (words.find("does not exist") != std::string::npos)
        return fail(configuration_error("store", words + ": create it, or name another"));
      if (words.find("invalid connection option") != std::string::npos ||
          words.find("invalid URI") != std::string::npos)
        return fail(configuration_error("store", words));
      return fail(broke(words));
    }
    if (step == PGRES_POLLING_OK) return {};
    if (auto waited = wait(step == PGRES_POLLING_WRITING, until); !waited) return waited;
    step = pq_.PQconnectPoll(handle_.get());
  }
}

expected<sql_rows> postgres_link::run(const sql_call& call) {
  auto prepared = prepare(call);
  if (!prepared) return fail(prepared.error());
  if (!send(**prepared, call)) return fail(broke(one_line(pq_.PQerrorMessage(handle_.get()))));
  auto r = only_result(system_clock().now() + call_timeout_);
  if (!r) return fail(r.error());
  return rows_of(r->get());
}

expected<std::vector<sql_rows>> postgres_link::run_all(std::span<const sql_call> calls) {
  std::vector<sql_rows> all;
  if (calls.empty()) return all;
  std::vector<const statement*> prepared;
  for (const auto& call : calls) {
    auto s = prepare(call);
    if (!s) return fail(s.error());
    prepared.push_back(*s);
  }
  pq_.PQenterPipelineMode(handle_.get());
  bool sent = true;
  for (std::size_t i = 0; i < calls.size() && sent; ++i) sent = send(*prepared[i], calls[i]);
  if (!sent || pq_.PQpipelineSync(handle_.get()) != 1)
    return fail(broke(one_line(pq_.PQerrorMessage(handle_.get()))));

  std::optional<error> failure;
  const auto until = system_clock().now() + call_timeout_;
  all.reserve(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto r = only_result(until);
    if (!r) return fail(r.error());
    if (failure) continue;  // the rest was skipped by the server
    auto rows = rows_of(r->get());
    if (rows)
      all.push_back(std::move(*rows));
    else
      failure = rows.error();
  }
  if (auto sync = next_result(until); !sync) return fail(sync.error());
  pq_.PQexitPipelineMode(handle_.get());
  if (failure) return fail(*failure);
  return all;
}

expected<void> postgres_link::script(const std::string& sql) {
  if (pq_.PQsendQuery(handle_.get(), sql.c_str()) != 1)
    return fail(broke(one_line(pq_.PQerrorMessage(handle_.get()))));
  const auto until = system_clock().now() + call_timeout_;
  std::optional<error> failure;
  for (;;) {
    auto r = next_result(until);
    if (!r) return fail(r.error());
    if (!*r) break;
    if (auto rows = rows_of(r->get()); !rows && !failure) failure = rows.error();
  }
  if (failure) return fail(*failure);
  return {};
}

bool postgres_link::read_notifications() {
  if (pq_.PQconsumeInput(handle_.get()) != 1) {
    broken_ = true;
    return false;
  }
  bool any = false;
  while (PGnotify* note = pq_.PQnotifies(handle_.get())) {
    any = true;
    pq_.PQfreemem(note);
  }
  return any;
}

expected<const postgres_link::statement*> postgres_link::prepare(const sql_call& call) {
  if (const auto known = statements_.find(call.sql); known != statements_.end())
    return &known->second;
  std::string words(call.sql);
  constexpr std::string_view lock = "/*lock*/";
  if (const auto at = words.find(lock); at != std::string::npos)
    words.replace(at, lock.size(), "FOR UPDATE");
  statement made{"s" + std::to_string(statements_.size())};
  const bound_values values(call);
  if (pq_.PQsendPrepare(handle_.get(), made.name.c_str(), words.c_str(),
                        static_cast<int>(values.types.size()), values.types.data()) != 1)
    return fail(broke(one_line(pq_.PQerrorMessage(handle_.get()))));
  auto r = only_result(system_clock().now() + call_timeout_);
  if (!r) return fail(r.error());
  if (auto rows = rows_of(r->get()); !rows) return fail(rows.error());
  return &statements_.emplace(call.sql, std::move(made)).first->second;
}

bool postgres_link::send(const statement& s, const sql_call& call) {
  const bound_values values(call);
  return pq_.PQsendQueryPrepared(handle_.get(), s.name.c_str(),
                                 static_cast<int>(values.values.size()), values.values.data(),
                                 values.lengths.data(), values.formats.data(), 1) == 1;
}

expected<postgres_link::result> postgres_link::next_result(time_point until) {
  for (;;) {
    const int unsent = pq_.PQflush(handle_.get());
    if (unsent < 0) return fail(broke(one_line(pq_.PQerrorMessage(handle_.get()))));
    if (unsent == 0 && pq_.PQisBusy(handle_.get()) == 0)
      return result(pq_.PQgetResult(handle_.get()), pq_.PQclear);
    if (auto waited = wait(unsent > 0, until); !waited) return fail(waited.error());
    if (pq_.PQconsumeInput(handle_.get()) != 1)
      return fail(broke(one_line(pq_.PQerrorMessage(handle_.get()))));
  }
}

expected<postgres_link::result> postgres_link::only_result(time_point until) {
  auto first = next_result(until);
  if (!first || !*first) return first;
  auto end = next_result(until);
  if (!end) return end;
  return first;
}

expected<void> postgres_link::wait(bool to_write, time_point until) {
  pollfd look{pq_.PQsocket(handle_.get()), static_cast<short>(POLLIN | (to_write ? POLLOUT : 0)),
              0};
  const auto left = remaining(until, system_clock().now());
  const int ready = ::poll(&look, 1, static_cast<int>(left.count()));
  if (ready > 0 || (ready < 0 && errno == EINTR)) return {};
  return fail(broke("no answer in time"));
}

expected<sql_rows> postgres_link::rows_of(const PGresult* r) {
  const auto status = pq_.PQresultStatus(r);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return fail(error_of(r));
  const char* verb = pq_.PQcmdStatus(const_cast<PGresult*>(r));
  if (std::strncmp(verb, "SELECT", 6) != 0)
    rows_changed_ += std::strtoull(pq_.PQcmdTuples(const_cast<PGresult*>(r)), nullptr, 10);
  const int columns = pq_.PQnfields(r);
  sql_rows rows(static_cast<std::size_t>(columns));
  for (int row = 0; row < pq_.PQntuples(r); ++row)
    for (int column = 0; column < columns; ++column) {
      const char* bytes = pq_.PQgetvalue(r, row, column);
      if (pq_.PQgetisnull(r, row, column) != 0)
        rows.add(nullptr);
      else if (pq_.PQftype(r, column) == oid_of_int8)
        rows.add(from_network<std::int64_t>(bytes));
      else if (pq_.PQftype(r, column) == oid_of_int4)
        rows.add(std::int64_t{from_network<std::int32_t>(bytes)});
      else
        rows.add(std::string(bytes, static_cast<std::size_t>(pq_.PQgetlength(r, row, column))));
    }
  return rows;
}

error postgres_link::error_of(const PGresult* r) {
  const char* code = pq_.PQresultErrorField(r, PG_DIAG_SQLSTATE);
  const std::string_view state = code == nullptr ? "" : code;
  const auto words = one_line(pq_.PQresultErrorMessage(r));
  const auto is = [state](std::string_view prefix) { return state.starts_with(prefix); };
  // Shut down, read-only, or ended because this process was asleep in a transaction.
  if (state.empty() || is("08") || is("57P") || is("25006") || is("25P03")) return broke(words);
  // Serialization, deadlock, and a blob that was pruned between two looks.
  wants_retry_ = is("40") || is("23503");
  if (is("57014")) return network_error("PostgreSQL took too long: " + words + ": try again");
  if (is("53100"))
    return resource_error("disk", "PostgreSQL's disk is full: free some room and go on");
  if (is("53") || is("54")) return resource_error("database", "PostgreSQL: " + words);
  if (is("55P03") || is("40"))
    return resource_error("database_lock", "PostgreSQL: " + words + ": try again");
  if (is("42501")) return authentication_error("postgresql", words + ": grant it to this user");
  if (is("22021") || is("22P05"))
    return validation_error("text", "a name holds bytes that are no UTF-8 text: " + words);
  if (is("XX00"))
    return core_error("the database is damaged (" + words + "): restore it from a backup");
  return core_error("PostgreSQL: " + words + " (SQLSTATE " + std::string(state) + ")");
}

error postgres_link::broke(const std::string& why) {
  broken_ = true;
  return network_error("PostgreSQL is out of reach: " + why +
                       ": check that it runs and can be reached");
}

}  // namespace graphbit
