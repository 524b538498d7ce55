// Many streams of every provider at once in one process: all arrive whole, and memory stays flat.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>

#include <graphbit/runtime/reactor.hpp>

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
    // On the only reactor: none can end before the last one is under way.
    rt.reactor_at(0).post([&] {
      for (std::size_t i = 0; i < streams_at_once; ++i)
        clients_[i % clients_.size()].submit(ask("stream " + std::to_string(i)), {}, all.next(),
                                             true);
    });
    ASSERT_TRUE(all.wait_for(streams_at_once));
    std::size_t bytes = 0;
    for (const auto& answer : all.results()) {
      ASSERT_TRUE(answer) << answer.error().provider << ": " << answer.error().message;
      EXPECT_GE(answer->content.size(), reply_bytes);
      bytes += answer->content.size();
    }
    EXPECT_EQ(all.text().size(), bytes);
  }

  /// What is allocated and not given back, however the allocator keeps the rest.
  [[nodiscard]] static std::size_t held_bytes() {
    const auto all = mallinfo2();
    return all.uordblks + all.hblkhd;
  }

  static constexpr std::size_t reply_bytes = 32 * 1024;
  std::vector<provider_client> clients_;
};

TEST_F(mixed_streams_test, five_hundred_at_once_arrive_whole_in_flat_memory) {
  behave(R"({"reply_bytes": 32768, "chunk_count": 10, "chunk_interval_ms": 20})");
  stream_all();
  stream_all();
  const auto settled = held_bytes();
  for (int round = 0; round < 3; ++round) stream_all();
  // What three rounds bring is 48 MB of text, and more on the way.
  EXPECT_LT(held_bytes(), settled + 8'000'000);
}

}  // namespace
}  // namespace graphbit
