// What machines say to each other survives the wire, in both protocol versions, and bytes that are
// not ours are refused.

#include <gtest/gtest.h>

#include <graphbit/runtime/random.hpp>

#include <src/wire/frame.hpp>
#include <src/wire/message.hpp>

namespace graphbit::cluster {
namespace {

message there_and_back(const message& m, std::uint16_t version) {
  frame_writer writer(version);
  writer.add(m);
  frame_reader reader(version);
  std::vector<message> got;
  for (const auto& bytes : writer.take()) {
    auto part = reader.read(bytes);
    EXPECT_TRUE(part.has_value()) << part.error().message;
    for (auto& one : *part) got.push_back(std::move(one));
  }
  EXPECT_EQ(got.size(), 1u);
  return std::move(got.at(0));
}

chat_request full_request() {
  chat_request r;
  r.messages = {{.role = chat_role::system, .text = "be brief"},
                {.role = chat_role::user,
                 .parts = {{.type = content_part::kind::image_bytes,
                            .data = std::string("\0\xff", 2),
                            .media_type = "image/png",
                            .name = "a.png"}}},
                {.role = chat_role::assistant, .tool_calls = {{"1", "f", "{\"a\":1}"}}},
                {.role = chat_role::tool, .text = "2", .tool_call_id = "1"}};
  r.model = "m";
  r.max_tokens = 7;
  r.temperature = 0.25;
  r.tools = {{"f", "what it does", "{}"}};
  r.tool_choice = "auto";
  r.extra_body = "{\"x\":1}";
  r.prompt_caching = true;
  return r;
}

TEST(Wire, AnItemSurvivesInBothVersions) {
  for (const std::uint16_t version : {protocol_version_min, protocol_version}) {
    work_item item{.id = 1ull << 40, .attempt = 3, .configuration = 5, .stream = true};
    item.deadline_in = milliseconds(1234);
    item.options.priority = priority_class::batch;
    item.options.max_retries = 2;
    item.options.idempotency_key = "key";
    item.options.on_stream_failure = stream_failure::restart;
    item.request = std::make_shared<const work_request>(full_request());
    const auto got = std::get<work_item>(there_and_back(item, version));
    EXPECT_EQ(got.id, item.id);
    EXPECT_EQ(got.attempt, 3u);
    EXPECT_EQ(got.deadline_in, milliseconds(1234));
    EXPECT_EQ(got.options.idempotency_key, "key");
    EXPECT_EQ(got.options.on_stream_failure, stream_failure::restart);
    const auto& request = std::get<chat_request>(*got.request);
    EXPECT_EQ(request.messages, full_request().messages);
    EXPECT_EQ(request.max_tokens, 7u);
    EXPECT_EQ(request.temperature, 0.25);
    EXPECT_EQ(request.top_p, std::nullopt);
    EXPECT_EQ(request.tools, full_request().tools);
    EXPECT_TRUE(request.prompt_caching);
  }
}

TEST(Wire, ACallKeepsItsTraceWhereBothSidesKnowOfIt) {
  work_item item{.id = 1};
  item.options.trace = {.trace_high = 1, .trace_low = 2, .span = 3, .sampled = false};
  item.request = std::make_shared<const work_request>(chat_request{});
  EXPECT_EQ(std::get<work_item>(there_and_back(item, protocol_version_min)).options.trace,
            item.options.trace);
}

TEST(Wire, QuestionsForSharesOfLimitsAndTheirAnswersSurvive) {
  limit_ask ask{.number = 9, .limit = "hash", .unused_for = milliseconds(60'000)};
  ask.share = {.holder = 4, .token = 5, .limits = {.requests_per_minute = 600}, .weight = 2};
  const auto asked = std::get<limit_ask>(there_and_back(ask, protocol_version));
  EXPECT_EQ(asked.limit, "hash");
  EXPECT_EQ(asked.share.token, 5u);
  EXPECT_EQ(asked.share.limits.requests_per_minute, 600u);
  EXPECT_EQ(asked.unused_for, milliseconds(60'000));
  ask.share.use = policy::share_use{{.in_flight_max = 2}, {.requests_per_minute = 40}};
  const auto used = std::get<limit_ask>(there_and_back(ask, 4)).share.use;
  ASSERT_TRUE(used);
  EXPECT_EQ(used->used.requests_per_minute, 40u);
  EXPECT_FALSE(std::get<limit_ask>(there_and_back(ask, 3)).share.use) << "it came with version 4";
  limit_answer answer{.number = 9, .holder = 4, .hash_key = "key"};
  answer.share = {.token = 6, .amount = {.tokens_per_minute = 70}, .ends_in = seconds(10)};
  const auto answered = std::get<limit_answer>(there_and_back(answer, protocol_version));
  EXPECT_EQ(answered.hash_key, "key");
  EXPECT_EQ(answered.share.amount.tokens_per_minute, 70u);
  EXPECT_EQ(answered.share.ends_in, seconds(10));
}

TEST(Wire, OutcomesOfEachKindSurvive) {
  auto e = rate_limit_error("slow down", milliseconds(700));
  e.partial_text = "so far";
  e.status = 429;
  const auto failed = std::get<work_outcome>(there_and_back(work_outcome{1, 2, e}, 2));
  EXPECT_EQ(std::get<error>(failed.result), e);
  chat_response answer{.content = "hi", .model = "m", .provider = "openai", .cost = 0.5};
  answer.usage.total_tokens = 9;
  const auto chat = std::get<work_outcome>(there_and_back(work_outcome{1, 2, answer}, 2));
  EXPECT_EQ(std::get<chat_response>(chat.result).content, "hi");
  EXPECT_EQ(std::get<chat_response>(chat.result).cost, 0.5);
  EXPECT_EQ(std::get<chat_response>(chat.result).usage, answer.usage);
  embedding_response vectors{.vectors = {{1.5f, -2.0f}, {}}};
  const auto embedded = std::get<work_outcome>(there_and_back(work_outcome{1, 2, vectors}, 2));
  EXPECT_EQ(std::get<embedding_response>(embedded.result).vectors, vectors.vectors);
}

TEST(Wire, AKeyTravelsOnlyWhenAsked) {
  provider_config config{
      .provider = "openai", .base_url = "http://x/v1", .api_key = secret("sk-secret")};
  config.routes = std::make_shared<provider_routes>(
      provider_routes{.targets = {provider_config{.api_key = secret("sk-nested")}}});
  std::string bytes;
  encode(configuration{1, config, false}, 2, bytes);
  EXPECT_EQ(bytes.find("sk-"), std::string::npos) << "neither its own nor its routes'";
  const auto with = std::get<configuration>(there_and_back(configuration{1, config, true}, 2));
  EXPECT_EQ(with.config.api_key.expose(), "sk-secret");
  EXPECT_EQ(with.config.routes->targets.at(0).api_key.expose(), "sk-nested");
}

TEST(Wire, LargeValuesTravelInPartsAndComeBackWhole) {
  chat_request big = full_request();
  big.messages[0].text = std::string(3'000'000, 'x');
  work_item item{.id = 1, .attempt = 1};
  item.request = std::make_shared<const work_request>(big);
  frame_writer writer(2);
  writer.add(heartbeat{1});
  writer.add(item);
  writer.add(heartbeat{2});
  const auto frames = writer.take();
  EXPECT_GT(frames.size(), 10u);
  for (const auto& f : frames) EXPECT_LE(f.size(), limits::frame_part_bytes_max);
  frame_reader reader(2);
  std::vector<message> got;
  for (const auto& f : frames) {
    auto part = reader.read(f);
    ASSERT_TRUE(part.has_value());
    for (auto& m : *part) got.push_back(std::move(m));
  }
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(std::get<chat_request>(*std::get<work_item>(got[1]).request).messages, big.messages);
}

TEST(Wire, AMessageLargerThanTheBoundIsRefused) {
  frame_reader reader(2);
  std::string part("\x00\x08", 2);  // not the last, of a work_item
  part.append(limits::frame_part_bytes_max - 100, 'x');
  std::string record("\xff", 1);
  for (auto n = part.size(); n > 0; n >>= 7)
    record.push_back(static_cast<char>((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
  record += part;
  std::size_t fed = 0;
  for (; fed < 1000; ++fed)
    if (const auto read = reader.read(record); !read) {
      EXPECT_EQ(read.error().kind, error_kind::resource_exhausted);
      break;
    }
  EXPECT_LT(fed, 300u) << "64 MiB at most";
}

TEST(Wire, UnknownTypesAreSkippedAndGarbageIsRefused) {
  frame_reader reader(2);
  EXPECT_TRUE(reader.read(std::string("\x7d\x01x", 3)).value().empty()) << "a newer peer's word";
  EXPECT_FALSE(reader.read("\x04\x05x").has_value()) << "a record longer than its frame";
  EXPECT_FALSE(frame_reader(2).read(std::string("\x04\x02\x01\x01", 4)).has_value())
      << "bytes behind a message's end";
  random_source random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random.below(64), '\0');
    for (auto& b : bytes) b = static_cast<char>(random.next());
    static_cast<void>(frame_reader(2).read(bytes));  // must only not crash
  }
}

}  // namespace
}  // namespace graphbit::cluster
