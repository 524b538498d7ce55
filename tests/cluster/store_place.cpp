#include "store_place.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include <graphbit/cluster/open_limit_authority.hpp>
#include <graphbit/cluster/open_run_store.hpp>

#include "postgres_server.hpp"
#include "value_of.hpp"

namespace graphbit {

namespace {

template <class Thing>
[[nodiscard]] std::shared_ptr<Thing> opened(expected<std::unique_ptr<Thing>> thing) {
  EXPECT_TRUE(thing) << (thing ? "" : thing.error().message);
  return thing ? std::move(*thing) : nullptr;
}

class memory_place final : public store_place {
 public:
  std::shared_ptr<run_store> open() override { return store_; }
  std::shared_ptr<limit_authority> open_authority() override { return authority_; }

 private:
  std::shared_ptr<run_store> store_ = value_of(open_run_store(":memory:"));
  std::shared_ptr<limit_authority> authority_ = value_of(open_limit_authority(":memory:"));
};

class sqlite_place final : public store_place {
 public:
  ~sqlite_place() override { std::filesystem::remove_all(folder_); }
  std::shared_ptr<run_store> open() override {
    return opened<run_store>(open_run_store(folder_ / "run.db"));
  }
  std::shared_ptr<limit_authority> open_authority() override {
    return opened<limit_authority>(open_limit_authority(folder_ / "run.db"));
  }

 private:
  std::filesystem::path folder_ = [] {
    auto name = (std::filesystem::temp_directory_path() / "store-XXXXXX").string();
    return std::filesystem::path(mkdtemp(name.data()));
  }();
};

class postgres_place final : public store_place {
 public:
  postgres_place() { server_->run("postgres", "DROP SCHEMA IF EXISTS graphbit CASCADE"); }
  std::shared_ptr<run_store> open() override {
    return opened<run_store>(open_run_store(server_->url("postgres")));
  }
  std::shared_ptr<limit_authority> open_authority() override {
    return opened<limit_authority>(open_limit_authority(server_->url("postgres")));
  }

 private:
  postgres_server* const server_ = postgres_server::shared();
};

[[nodiscard]] std::string missing_postgres() {
  if (postgres_server::programs().empty())
    return "PostgreSQL is not installed (scripts/deps.sh --test installs it)";
  return postgres_server::shared() == nullptr ? "PostgreSQL did not start" : "";
}

}  // namespace

std::vector<store_kind> store_kinds() {
  const auto here = [] { return std::string(); };
  return {{"memory", here, [] { return std::make_unique<memory_place>(); }},
          {"sqlite", here, [] { return std::make_unique<sqlite_place>(); }},
          {"postgres", missing_postgres, [] { return std::make_unique<postgres_place>(); }}};
}

}  // namespace graphbit
