// Many streams of every provider at once in one process: all arrive whole, and memory stays flat.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "provider_fixture.hpp"

namespace graphbit {
namespace {

using testing::outcomes;

constexpr std::size_t streams_at_once = 500;

struct place {
  const char *provider, *path, *model;
};
constexpr place places[] = {
    {"openai", "/v1", "gpt-4o-mini"},   {"anthropic", "/v1", "claude-sonnet-4-20250514"},
    {"azurellm", "", "gpt-4o"},         {"gemini", "/v1beta", "gemini-2.5-flash"},
    {"ollama", "", "llama3.2"},         {"mistralai", "/mistral/v1", "mistral-large-latest"},
    {"huggingface", "/models", "gpt2"}, {"deepseek", "/v1", "deepseek-chat"}};

class mixed_streams_test : public testing::provider_fixture {
 protected:
  void SetUp() override {
    // Both ends of each stream are in this process.
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
    setrlimit(RLIMIT_NOFILE, &files);
    provider_fixture::SetUp();
    for (const auto& p : places) {
      auto c = config();
      c.provider = p.provider;
      c.base_url = provider.url() + p.path;
      c.api_key = secret("key-0123456789abcdef");
      c.model = p.model;
      c.max_in_flight = streams_at_once;
      clients_.push_back(open(c));
    }
  }

  /// 500 streams, all under way at the same time.
  void stream_all() {
    outcomes all;
    for (std::size_t i = 0; i < streams_at_once; ++i)
      clients_[i % clients_.size()].submit(ask("stream " + std::to_string(i)), {}, all.next(),
                                           true);
    ASSERT_TRUE(all.wait_for(streams_at_once));
    std::size_t bytes = 0;
    for (const auto& answer : all.results()) {
      ASSERT_TRUE(answer) << answer.error().provider << ": " << answer.error().message;
      EXPECT_GE(answer->content.size(), reply_bytes);
      bytes += answer->content.size();
    }
    EXPECT_EQ(all.text().size(), bytes);
  }

  /// What is really held: memory that was given back is not counted.
  [[nodiscard]] static std::size_t resident_bytes() {
    malloc_trim(0);
    std::size_t whole = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> whole >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  }

  static constexpr std::size_t reply_bytes = 32 * 1024;
  std::vector<provider_client> clients_;
};

TEST_F(mixed_streams_test, five_hundred_at_once_arrive_whole_in_flat_memory) {
  behave(
      R"({"reply_bytes": 32768, "chunk_count": 10, "first_chunk_ms": 600, "chunk_interval_ms": 20})");
  stream_all();
  stream_all();
  const auto settled = resident_bytes();
  for (int round = 0; round < 3; ++round) stream_all();
  // What three rounds bring is 48 MB of text, and more on the way.
  EXPECT_LT(resident_bytes(), settled + 24'000'000);
  const auto peak = parse_json(provider.counters())->find("in_flight_peak")->as_double();
  EXPECT_GE(peak, streams_at_once / 2) << "they were not under way together";
}

}  // namespace
}  // namespace graphbit
