#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <regex>
#include <set>

#include <graphbit/runtime/random.hpp>

namespace graphbit {
namespace {

TEST(random_source, repeats_itself_for_one_seed) {
  random_source a(42), b(42), c(43);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
  // First output for seed 0, from the authors' reference implementation.
  EXPECT_EQ(random_source(0).next(), 0xe220a8397b1dcdafULL);
}

TEST(random_source, stays_in_its_ranges) {
  random_source random(1);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.uniform();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
    EXPECT_LT(random.below(7), 7u);
  }
  EXPECT_EQ(random.below(0), 0u);
}

TEST(make_uuid, is_version_4_and_unique) {
  const std::regex shape("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = make_uuid();
    EXPECT_TRUE(std::regex_match(id, shape)) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(make_uuid, differs_between_parent_and_forked_child) {
  static_cast<void>(make_uuid());  // the thread's generator is seeded before the fork
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string id = make_uuid();
    const auto written = write(ends[1], id.data(), id.size());
    _exit(written == static_cast<ssize_t>(id.size()) ? 0 : 1);
  }
  std::string theirs(36, '\0');
  EXPECT_EQ(read(ends[0], theirs.data(), theirs.size()), 36);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(make_uuid(), theirs);
  close(ends[0]);
  close(ends[1]);
}

TEST(make_uuid_v5_dns, gives_the_value_of_the_reference) {
  // Python: uuid.uuid5(uuid.NAMESPACE_DNS, "python.org")
  EXPECT_EQ(make_uuid_v5_dns("python.org"), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

}  // namespace
}  // namespace graphbit
