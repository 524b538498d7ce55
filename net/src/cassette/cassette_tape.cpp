#include "cassette_tape.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include <graphbit/runtime/log.hpp>

namespace graphbit {

namespace {

constexpr const char* environment_name = "GRAPHBIT_CASSETTE";
constexpr std::size_t shown_bytes = 40;  // of a body, around where it differs

[[nodiscard]] error cassette_error(const std::string& path, std::string_view what) {
  return configuration_error("cassette", "cassette '" + path + "' " + std::string(what));
}

/// Those that were put in, the last one in use. Never destroyed: requests of other threads may look
/// for it while the process ends.
struct rack {
  std::mutex mutex;
  std::vector<std::shared_ptr<cassette_tape>> tapes;
  std::optional<error> unusable;  // what GRAPHBIT_CASSETTE names
  std::atomic<bool> empty{true};
};

void end_all();

rack& the_rack() {
  static rack& only = *[] {
    auto made = std::make_unique<rack>();
    if (const char* path = std::getenv(environment_name); path != nullptr && *path != '\0') {
      auto tape = cassette_tape::open(path, cassette_mode::automatic);
      made->empty = false;
      if (tape)
        made->tapes.push_back(std::move(*tape));
      else
        made->unusable = std::move(tape.error());
      std::atexit(end_all);
    }
    return made.release();
  }();
  return only;
}

/// A recording for the whole process takes its name when the process ends.
void end_all() {
  auto& all = the_rack();
  const std::lock_guard guard(all.mutex);
  for (const auto& tape : all.tapes)
    if (auto ended = tape->end(); !ended) log(log_level::error, "net", ended.error().message);
}

/// Where two bodies part, for a person to see what is different.
[[nodiscard]] std::string difference(std::string_view recorded, std::string_view asked) {
  const auto parted = std::mismatch(recorded.begin(), recorded.end(), asked.begin(), asked.end());
  const auto at = static_cast<std::size_t>(parted.first - recorded.begin());
  const auto from = at - std::min(at, shown_bytes / 2);
  return "recorded ..." + std::string(recorded.substr(from, shown_bytes)) + "..., asked ..." +
         std::string(asked.substr(from, shown_bytes)) + "...";
}

}  // namespace

cassette_tape::cassette_tape(std::string path, std::optional<atomic_file> file)
    : path_(std::move(path)), owner_(getpid()), file_(std::move(file)) {}

expected<std::shared_ptr<cassette_tape>> cassette_tape::open(const std::string& path,
                                                             cassette_mode mode) {
  const bool is_there = access(path.c_str(), F_OK) == 0;
  if (mode == cassette_mode::replay && !is_there)
    return fail(cassette_error(path, "is not there; record it first"));
  if (mode != cassette_mode::record && is_there) return load(path);
  auto file = atomic_file::create(path);
  if (!file) return fail(cassette_error(path, "cannot be recorded: " + file.error().message));
  return std::shared_ptr<cassette_tape>(new cassette_tape(path, std::move(*file)));
}

expected<std::shared_ptr<cassette_tape>> cassette_tape::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(cassette_error(path, std::string("cannot be read: ") + strerror(errno)));
  std::shared_ptr<cassette_tape> tape(new cassette_tape(path, std::nullopt));
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    auto exchange = from_line(line);
    if (!exchange)
      return fail(cassette_error(path, "cannot be replayed: line " + std::to_string(number) + ": " +
                                           exchange.error().message));
    tape->add(std::move(*exchange));
  }
  return tape;
}

void cassette_tape::add(recorded_exchange exchange) {
  auto key = request_key(exchange.method, exchange.url, exchange.body);
  tracks_[std::move(key)].answers.push_back(
      std::make_shared<const recorded_exchange>(std::move(exchange)));
}

expected<std::shared_ptr<const recorded_exchange>> cassette_tape::find(std::string_view method,
                                                                       std::string_view url,
                                                                       std::string_view body) {
  const auto key = request_key(method, url, body);
  const std::lock_guard guard(mutex_);
  const auto found = tracks_.find(key);
  if (found == tracks_.end() || found->second.next == found->second.answers.size())
    return fail(cassette_error(path_, why_missing(method, url, key)));
  auto& track = found->second;
  return track.answers[track.next++];
}

std::string cassette_tape::why_missing(std::string_view method, std::string_view url,
                                       const std::string& key) const {
  std::string why = "has no answer to " + std::string(method) + ' ' + std::string(url) + ": ";
  const auto same = tracks_.find(key);
  const auto head = request_key(method, url, {});
  std::size_t others = 0;
  const std::string* nearest = nullptr;
  for (const auto& [other, track] : tracks_) {
    if (other.compare(0, head.size(), head) != 0) continue;
    ++others;
    if (nearest == nullptr || other < *nearest) nearest = &other;  // the same one in every run
  }
  if (same != tracks_.end())
    why += "it was recorded " + std::to_string(same->second.answers.size()) +
           " times and asked once more";
  else if (nearest == nullptr)
    why += "nothing was recorded for this address";
  else
    why += std::to_string(others) + " other requests to this address were recorded (" +
           difference(std::string_view(*nearest).substr(head.size()),
                      std::string_view(key).substr(head.size())) +
           ")";
  return why + "; delete the file to record it anew";
}

void cassette_tape::record(const recorded_exchange& exchange) {
  const auto line = to_line(exchange) + '\n';
  const std::lock_guard guard(mutex_);
  if (!file_ || ended_ || write_failure_ || getpid() != owner_) return;
  auto written = file_->write(line);
  if (written) written = file_->flush();
  if (!written) write_failure_ = std::move(written.error());
}

expected<void> cassette_tape::end() {
  const std::lock_guard guard(mutex_);
  if (!file_ || ended_) return {};
  ended_ = true;
  if (getpid() != owner_) {
    // The parent goes on writing: this process must not even remove the unfinished file.
    file_->leave();
    return {};
  }
  if (write_failure_) return fail(*write_failure_);
  return file_->commit();
}

expected<std::shared_ptr<cassette_tape>> cassette_tape::in_use() {
  auto& all = the_rack();
  if (all.empty.load(std::memory_order_acquire)) return nullptr;
  const std::lock_guard guard(all.mutex);
  if (!all.tapes.empty()) return all.tapes.back();
  if (all.unusable) return fail(*all.unusable);
  return nullptr;
}

void cassette_tape::put_in(std::shared_ptr<cassette_tape> tape) {
  auto& all = the_rack();
  const std::lock_guard guard(all.mutex);
  all.tapes.push_back(std::move(tape));
  all.empty.store(false, std::memory_order_release);
}

void cassette_tape::take_out(const std::shared_ptr<cassette_tape>& tape) {
  auto& all = the_rack();
  const std::lock_guard guard(all.mutex);
  std::erase(all.tapes, tape);
  all.empty.store(all.tapes.empty() && !all.unusable, std::memory_order_release);
}

}  // namespace graphbit
