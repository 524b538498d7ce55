#include <graphbit/runtime/tracer.hpp>

#include <future>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <graphbit/runtime/log.hpp>
#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/random.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

trace_span span_named(std::string name) {
  static random_source random(7);
  trace_span span;
  span.context = trace_context{}.child(random);
  span.name = std::move(name);
  span.started = span.ended = steady_clock::now();
  return span;
}

/// Keeps names; `gate` holds it up.
class name_keeper final : public span_exporter {
 public:
  bool take(const std::vector<trace_span>& spans, const std::stop_token&) override {
    if (gate.valid()) gate.wait();
    const std::lock_guard guard(mutex_);
    for (const auto& span : spans) names_.push_back(span.name);
    return works;
  }
  std::vector<std::string> names() {
    const std::lock_guard guard(mutex_);
    return names_;
  }
  std::shared_future<void> gate;
  bool works = true;

 private:
  std::mutex mutex_;
  std::vector<std::string> names_;
};

class tracer_test : public testing::Test {
 protected:
  runtime rt{{.worker_threads = 2, .reactors = 1}};
  std::shared_ptr<name_keeper> keeper = std::make_shared<name_keeper>();
};

TEST_F(tracer_test, is_off_until_it_is_started) {
  const auto t = rt.service<tracer>();
  EXPECT_FALSE(t->on());
  t->record(span_named("unseen"));
  EXPECT_EQ(t->stats().recorded, 0u);
  EXPECT_TRUE(t->flush(seconds{1}));
}

TEST_F(tracer_test, hands_spans_over_in_batches) {
  const auto t = rt.service<tracer>();
  t->start({.exporter = keeper, .batch_max = 2, .interval = seconds{60}});
  for (const auto* name : {"a", "b", "c"}) t->record(span_named(name));
  ASSERT_TRUE(t->flush(seconds{10}));
  EXPECT_THAT(keeper->names(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(t->stats().exported, 3u);
}

TEST_F(tracer_test, drops_and_counts_what_does_not_fit) {
  std::promise<void> opened;
  keeper->gate = opened.get_future().share();
  const auto t = rt.service<tracer>();
  t->start({.exporter = keeper, .queued_max = 4, .batch_max = 1, .interval = seconds{60}});
  for (int i = 0; i < 100; ++i) t->record(span_named("s"));
  const auto stats = t->stats();
  EXPECT_EQ(stats.recorded, 100u);
  EXPECT_GE(stats.dropped, 100u - 4 - 1);  // four wait, one is at the gate
  EXPECT_THAT(rt.service<metrics_registry>()->text(),
              HasSubstr("graphbit_spans_total{outcome=\"dropped\"}"));
  opened.set_value();
  EXPECT_TRUE(t->flush(seconds{10}));
}

TEST_F(tracer_test, counts_what_its_exporter_loses) {
  keeper->works = false;
  const auto t = rt.service<tracer>();
  t->start({.exporter = keeper});
  t->record(span_named("a"));
  ASSERT_TRUE(t->flush(seconds{10}));
  EXPECT_EQ(t->stats().lost, 1u);
  EXPECT_EQ(t->stats().exported, 0u);
}

TEST_F(tracer_test, hands_over_the_rest_when_the_runtime_ends) {
  const auto t = rt.service<tracer>();
  t->start({.exporter = keeper, .interval = seconds{60}});
  t->record(span_named("last"));
  rt.shutdown();
  ASSERT_TRUE(t->flush(seconds{10}));
  EXPECT_THAT(keeper->names(), ElementsAre("last"));
}

TEST_F(tracer_test, logs_spans_where_nobody_takes_them) {
  std::mutex mutex;
  std::vector<std::string> lines;
  set_log_sink([&](const log_line& line) {
    const std::lock_guard guard(mutex);
    lines.emplace_back(line.text);
  });
  set_log_level(log_level::debug);
  const auto t = rt.service<tracer>();
  t->start({});
  auto span = span_named("chat gpt-4");
  span.set("gen_ai.usage.input_tokens", std::int64_t{12});
  t->record(std::move(span));
  EXPECT_TRUE(t->flush(seconds{10}));
  set_log_level(log_level::warn);
  set_log_sink({});
  const std::lock_guard guard(mutex);
  EXPECT_THAT(lines, testing::Contains(testing::AllOf(HasSubstr("span chat gpt-4"),
                                                      HasSubstr("gen_ai.usage.input_tokens=12"))));
}

TEST_F(tracer_test, can_be_flushed_while_its_runtime_ends) {
  const auto t = rt.service<tracer>();
  t->start({.exporter = keeper});
  std::promise<void> flushing;
  const auto flushes = std::async(std::launch::async, [&] {
    for (int i = 0; i < 1'000; ++i) {
      t->record(span_named("one"));
      static_cast<void>(t->flush(seconds{10}));
      if (i == 10) flushing.set_value();
    }
  });
  flushing.get_future().wait();
  rt.shutdown();
  flushes.wait();
  EXPECT_THAT(keeper->names(), testing::Contains("one"));
}

}  // namespace
}  // namespace graphbit
