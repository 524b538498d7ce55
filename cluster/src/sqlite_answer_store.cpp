#include <graphbit/cluster/sqlite_answer_store.hpp>

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "sqlite_database.hpp"
#include "src/wire/message.hpp"

namespace graphbit {

namespace {

// What is in the file is read by this version only; a file of another one starts empty.
constexpr std::int64_t file_version = 1;
constexpr std::uint64_t bytes_least = 1024 * 1024;

constexpr const char* schema = R"sql(
  CREATE TABLE IF NOT EXISTS answers (
    question BLOB NOT NULL UNIQUE, kept_at_ms INTEGER NOT NULL, answer BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS answers_by_age ON answers (kept_at_ms);
)sql";

using wall_clock = std::chrono::system_clock;

[[nodiscard]] std::int64_t to_ms(wall_clock::time_point at) {
  return std::chrono::floor<milliseconds>(at.time_since_epoch()).count();
}

[[nodiscard]] std::string digest_of(std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

// As machines say it to each other.
[[nodiscard]] std::string bytes_of_answer(const cached_answer& answer) {
  cluster::work_outcome outcome;
  std::visit([&](const auto& known) { outcome.result = known; }, *answer);
  std::string bytes;
  cluster::encode(std::move(outcome), cluster::protocol_version, bytes);
  return bytes;
}

[[nodiscard]] cached_answer answer_of_bytes(std::string_view bytes) {
  static const auto type = static_cast<std::uint8_t>(
      cluster::message(std::in_place_type<cluster::work_outcome>).index());
  auto read = cluster::decode(type, bytes, cluster::protocol_version);
  if (!read || !*read) return nullptr;
  auto& result = std::get<cluster::work_outcome>(**read).result;
  if (auto* chat = std::get_if<chat_response>(&result)) return cacheable(std::move(*chat));
  if (auto* vectors = std::get_if<embedding_response>(&result))
    return cacheable(std::move(*vectors));
  return nullptr;
}

class sqlite_answers final : public answer_store {
 public:
  sqlite_answers(std::string path, std::uint64_t bytes_max)
      : path_(std::move(path)), bytes_max_(bytes_max) {}

  expected<void> open() override {
    const std::lock_guard guard(mutex_);
    auto db = opened();
    if (db) return {};
    return fail(configuration_error("path", std::move(db.error().message)));
  }

  expected<std::optional<kept_answer>> find(std::string_view key) override {
    const auto digest = digest_of(key);
    const std::lock_guard guard(mutex_);
    auto db = opened();
    if (!db) return fail(std::move(db.error()));
    auto row = (*db)->query("SELECT kept_at_ms, answer FROM answers WHERE question = ?1");
    if (!row) return fail(std::move(row.error()));
    row->bind_bytes(1, digest);
    const auto has = row->step();
    if (!has) return fail(has.error());
    if (!*has) return std::nullopt;
    auto answer = answer_of_bytes(row->bytes(1));
    if (!answer) return std::nullopt;
    return kept_answer{std::move(answer), wall_clock::time_point(milliseconds{row->integer(0)})};
  }

  expected<void> keep(const std::vector<new_answer>& group) override {
    const std::lock_guard guard(mutex_);
    auto db = opened();
    if (!db) return fail(std::move(db.error()));
    return (*db)->transaction([&]() -> expected<void> {
      for (const auto& one : group)
        if (auto kept = keep_one(**db, one); !kept) return kept;
      return make_room(**db);
    });
  }

 private:
  // Of a parent process nothing may be touched, not even by closing it.
  expected<sqlite_database*> opened() {
    if (db_ && opened_in_ != ::getpid()) static_cast<void>(db_.release());
    if (db_) return db_.get();
    auto db = sqlite_database::open(path_, sqlite_sharing::shared);
    if (!db) return fail(std::move(db.error()));
    // A power loss may take the latest answers, and no more: they are asked for again.
    if (auto done = db->run("PRAGMA synchronous=NORMAL"); !done) return fail(done.error());
    if (auto done = make_tables(*db); !done) return fail(done.error());
    db_ = std::make_unique<sqlite_database>(std::move(*db));
    opened_in_ = ::getpid();
    return db_.get();
  }

  static expected<void> make_tables(sqlite_database& db) {
    return db.transaction([&]() -> expected<void> {
      const auto version = db.number_of("PRAGMA user_version");
      const auto others = db.number_of(
          "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name <> 'answers'");
      for (const auto* n : {&version, &others})
        if (!*n) return fail(n->error());
      if (*others != 0)
        return fail(core_error("'" + db.path() +
                               "' is a database of something else; name a file of its own"));
      if (*version != 0 && *version != file_version)
        if (auto done = db.run("DROP TABLE IF EXISTS answers"); !done) return done;
      if (auto done = db.run(schema); !done) return done;
      return db.run(("PRAGMA user_version=" + std::to_string(file_version)).c_str());
    });
  }

  static expected<void> keep_one(sqlite_database& db, const new_answer& one) {
    auto insert = db.query(
        "INSERT OR REPLACE INTO answers (question, kept_at_ms, answer) "
        "VALUES (?1, ?2, ?3)");
    if (!insert) return fail(std::move(insert.error()));
    const auto digest = digest_of(one.key);
    const auto bytes = bytes_of_answer(one.kept.answer);
    insert->bind_bytes(1, digest);
    insert->bind(2, to_ms(one.kept.kept_at));
    insert->bind_bytes(3, bytes);
    const auto done = insert->step();
    if (!done) return fail(done.error());
    return {};
  }

  // An eighth more than must go, so that not every answer makes room.
  [[nodiscard]] expected<void> make_room(sqlite_database& db) const {
    auto used = used_bytes(db);
    if (!used) return fail(std::move(used.error()));
    if (*used <= bytes_max_) return {};
    while (*used > bytes_max_ - bytes_max_ / 8) {
      if (auto done = db.run("DELETE FROM answers WHERE rowid IN "
                             "(SELECT rowid FROM answers ORDER BY kept_at_ms LIMIT 32)");
          !done)
        return done;
      const auto before = *used;
      used = used_bytes(db);
      if (!used) return fail(std::move(used.error()));
      if (*used >= before) break;  // nothing is left to put out
    }
    return {};
  }

  static expected<std::uint64_t> used_bytes(sqlite_database& db) {
    const auto pages = db.number_of("PRAGMA page_count");
    const auto unused = db.number_of("PRAGMA freelist_count");
    const auto page_bytes = db.number_of("PRAGMA page_size");
    for (const auto* n : {&pages, &unused, &page_bytes})
      if (!*n) return fail(n->error());
    return static_cast<std::uint64_t>((*pages - *unused) * *page_bytes);
  }

  const std::string path_;
  const std::uint64_t bytes_max_;
  std::mutex mutex_;
  std::unique_ptr<sqlite_database> db_;
  pid_t opened_in_ = 0;
};

}  // namespace

std::shared_ptr<answer_store> sqlite_answer_store(std::string path, std::uint64_t bytes_max) {
  return std::make_shared<sqlite_answers>(std::move(path), std::max(bytes_max, bytes_least));
}

}  // namespace graphbit
