#include "answer_keeper.hpp"

#include <utility>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

constexpr std::size_t thread_stack_bytes = 1024 * 1024;

}  // namespace

answer_keeper::~answer_keeper() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    lookups_.clear();
  }
  work_came_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void answer_keeper::find(std::string key, found then) {
  {
    const std::lock_guard guard(mutex_);
    if (!stopping_ && lookups_.size() < lookups_max) {
      lookups_.push_back({std::move(key), std::move(then)});
      return start_locked();
    }
  }
  then({});
}

void answer_keeper::keep(answer_store::new_answer answer, std::size_t bytes) {
  const std::lock_guard guard(mutex_);
  if (stopping_ || bytes_queued_ + bytes > bytes_queued_max) return;
  bytes_queued_ += bytes;
  to_keep_.push_back(std::move(answer));
  start_locked();
}

void answer_keeper::start_locked() {
  if (!thread_.joinable()) thread_.start("answers", thread_stack_bytes, [this] { thread_main(); });
  work_came_.notify_one();
}

void answer_keeper::thread_main() {
  std::unique_lock guard(mutex_);
  for (;;) {
    work_came_.wait(guard, [this] { return stopping_ || !lookups_.empty() || !to_keep_.empty(); });
    if (lookups_.empty() && to_keep_.empty()) return;
    const auto asked = std::exchange(lookups_, {});
    const auto group = std::exchange(to_keep_, {});
    bytes_queued_ = 0;
    guard.unlock();
    for (const auto& one : asked) answer(one);
    write(group);
    guard.lock();
  }
}

void answer_keeper::answer(const lookup& asked) {
  auto known = store_->find(asked.key);
  if (known) return asked.then(std::move(*known));
  tell_of(known.error());
  asked.then({});
}

void answer_keeper::write(const std::vector<answer_store::new_answer>& group) {
  if (group.empty()) return;
  if (const auto kept = store_->keep(group); !kept)
    tell_of(kept.error());
  else
    told_.clear();
}

// A failure that lasts is told once.
void answer_keeper::tell_of(const error& why) {
  if (std::exchange(told_, why.message) != why.message)
    log(log_level::warn, "actors",
        "response cache: " + why.message + "; calls go on as if its store were not there");
}

}  // namespace graphbit
