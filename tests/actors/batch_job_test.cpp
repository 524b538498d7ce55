#include <graphbit/actors/batch_job.hpp>

#include <map>

#include <graphbit/actors/batch.hpp>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

// A journal in memory that can be told to fail.
struct memory {
  std::map<std::uint64_t, batch_entry> entries;
  std::size_t groups = 0;
  bool full = false;
};

class memory_journal final : public batch_journal {
 public:
  explicit memory_journal(memory& m) : memory_(m) {}
  const std::string& batch_id() const override { return id_; }
  expected<std::optional<std::uint64_t>> kept(std::uint64_t index, bool succeeded_only) override {
    const auto found = memory_.entries.find(index);
    if (found == memory_.entries.end() || (succeeded_only && !found->second.succeeded))
      return std::nullopt;
    return found->second.fingerprint;
  }
  expected<std::optional<batch_entry>> read(std::uint64_t index) override {
    return memory_.entries.at(index);
  }
  expected<void> keep(const std::vector<batch_entry>& group) override {
    if (memory_.full) return fail(resource_error("disk", "the disk is full"));
    ++memory_.groups;
    for (const auto& entry : group) memory_.entries[entry.index] = entry;
    return {};
  }
  expected<void> each(bool succeeded, const std::function<bool(std::string_view)>& f) override {
    for (const auto& [index, entry] : memory_.entries)
      if (entry.succeeded == succeeded && !f(entry.output)) break;
    return {};
  }
  std::uint64_t kept_end() const override {
    return memory_.entries.empty() ? 0 : memory_.entries.rbegin()->first + 1;
  }

 private:
  memory& memory_;
  std::string id_ = "batch";
};

[[nodiscard]] std::string line(int i) {
  const auto n = std::to_string(i);
  return R"({"custom_id":"c)" + n +
         R"(","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"Say )" +
         n + R"("}]}})";
}

class batch_job_test : public testing::provider_fixture {
 protected:
  [[nodiscard]] std::unique_ptr<batch_job> start(batch_job_options options = {},
                                                 batch_job::on_line tell = {}) {
    auto job = batch_job::start(rt, open(config()), std::move(options),
                                std::make_unique<memory_journal>(kept), std::move(tell));
    EXPECT_TRUE(job);
    return std::move(*job);
  }
  memory kept;
};

TEST_F(batch_job_test, answers_and_keeps_every_line) {
  std::uint64_t told = 0;
  auto job = start({}, [&](const batch_job_line& l) { told += l.succeeded ? 1 : 0; });
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(job->add(line(i)));
  job->close();
  const auto done = job->wait();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->succeeded, 2000u);
  EXPECT_EQ(kept.entries.size(), 2000u);
  EXPECT_EQ(told, 2000u);
  EXPECT_LT(kept.groups, 200u) << "lines are kept in groups";
}

TEST_F(batch_job_test, a_second_run_sends_nothing_again) {
  for (int run = 0; run < 2; ++run) {
    auto job = start();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(job->add(line(i)));
    job->close();
    ASSERT_TRUE(job->wait());
    EXPECT_EQ(job->progress().resumed, run == 0 ? 0u : 100u);
  }
  EXPECT_EQ(requests(), 100u);
}

TEST_F(batch_job_test, a_changed_line_is_refused_by_its_number) {
  {
    auto job = start();
    ASSERT_TRUE(job->add(line(0)));
    job->close();
    ASSERT_TRUE(job->wait());
  }
  auto job = start();
  const auto added = job->add(line(1));
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("line 1"), std::string::npos);
}

TEST_F(batch_job_test, bad_lines_fail_alone) {
  std::map<std::uint64_t, bool> came;
  auto job = start({}, [&](const batch_job_line& l) { came[l.index] = l.succeeded; });
  ASSERT_TRUE(job->add(line(0)));
  ASSERT_TRUE(job->add("{"));
  ASSERT_TRUE(job->add(line(2)));
  job->close();
  const auto done = job->wait();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->failed, 1u);
  EXPECT_EQ(came, (std::map<std::uint64_t, bool>{{0, true}, {1, false}, {2, true}}));
}

TEST_F(batch_job_test, a_full_disk_ends_the_job_and_says_so) {
  kept.full = true;
  auto job = start();
  expected<void> added;
  for (int i = 0; i < 200'000 && added; ++i) added = job->add(line(i));
  job->close();
  const auto done = job->wait();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().resource_type, "disk");
}

TEST_F(batch_job_test, a_wrong_key_stops_the_rest) {
  behave(R"({"required_key": "the-right-one"})");
  batch_job_options options;
  options.batch.in_flight_max = 4;
  auto job = start(options);
  expected<void> added;
  for (int i = 0; i < 5000 && added; ++i) added = job->add(line(i));
  job->close();
  const auto done = job->wait();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, error_kind::authentication);
  EXPECT_LT(requests(), 100u);
}

TEST_F(batch_job_test, an_interrupted_job_keeps_what_is_finished) {
  behave(R"({"latency_ms": 5})");
  batch_job_options options;
  options.batch.in_flight_max = 4;
  auto job = start(options);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(job->add(line(i)));
  const auto done = job->wait([&] { return job->progress().succeeded >= 4; });
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().cancelled);
  EXPECT_GE(kept.entries.size(), 4u);
}

TEST_F(batch_job_test, retrying_sends_only_what_failed) {
  behave(R"({"models": ["none"]})");
  {
    auto job = start();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(job->add(line(i)));
    job->close();
    ASSERT_TRUE(job->wait());
    EXPECT_EQ(job->progress().failed, 10u);
  }
  behave(R"({"models": []})");
  batch_job_options options;
  options.retry_failed = true;
  auto job = start(options);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(job->add(line(i)));
  job->close();
  ASSERT_TRUE(job->wait());
  EXPECT_EQ(job->progress().succeeded, 10u);
}

}  // namespace
}  // namespace graphbit
