#include "batch_input_check.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <graphbit/actors/batch_job.hpp>
#include <graphbit/net/batch_format.hpp>

#include "interrupt.hpp"
#include "line_reader.hpp"

namespace graphbit::app {

namespace {

constexpr std::size_t filter_bits = std::size_t{1} << 27;

// Two of three independent bits would do for a million; four keep ten million under 1 %.
class bloom_filter {
 public:
  /// True when `hash` may have been added before.
  bool add(std::uint64_t hash) {
    bool known = true;
    for (int i = 0; i < 4; ++i) {
      const auto bit = (hash + static_cast<std::uint64_t>(i) * ((hash >> 32) | 1)) % filter_bits;
      auto& word = words_[bit / 64];
      const auto mask = std::uint64_t{1} << (bit % 64);
      known = known && (word & mask) != 0;
      word |= mask;
    }
    return known;
  }

 private:
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(filter_bits / 64);
};

// Most lines begin with their id; only the others need a parser.
[[nodiscard]] std::string quick_custom_id(std::string_view line) {
  constexpr std::string_view start = R"({"custom_id":)";
  if (line.starts_with(start)) {
    auto rest = line.substr(start.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    if (rest.starts_with('"')) {
      const auto end = rest.find_first_of("\"\\", 1);
      if (end != std::string_view::npos && rest[end] == '"')
        return std::string(rest.substr(1, end - 1));
    }
  }
  return custom_id_of(line);
}

// Gives the number of lines.
expected<std::uint64_t> each_id(
    const std::string& path,
    const std::function<expected<void>(std::string id, std::size_t line)>& f) {
  auto reader = line_reader::open(path);
  if (!reader) return fail(reader.error());
  std::string line;
  for (std::uint64_t lines = 0;; ++lines) {
    const auto more = reader->next(line);
    if (!more) return fail(more.error());
    if (!*more || interrupt::came()) return lines;
    auto id = quick_custom_id(line);
    if (id.empty()) continue;
    if (auto done = f(std::move(id), reader->number()); !done) return fail(done.error());
  }
}

}  // namespace

expected<std::optional<std::uint64_t>> check_batch_input(const std::string& path) {
  {
    auto probe = line_reader::open(path);
    if (!probe) return fail(probe.error());
    if (path == "-" || !probe->seekable()) return std::nullopt;
  }
  bloom_filter seen;
  std::unordered_map<std::uint64_t, std::size_t> suspects;  // hash to first line, 0: not met yet
  const auto lines = each_id(path, [&](const std::string& id, std::size_t) -> expected<void> {
    const auto hash = line_fingerprint(id);
    if (seen.add(hash)) suspects.emplace(hash, 0);
    return {};
  });
  if (!lines) return fail(lines.error());
  if (suspects.empty()) return *lines;
  const auto again =
      each_id(path, [&](const std::string& id, std::size_t number) -> expected<void> {
        const auto found = suspects.find(line_fingerprint(id));
        if (found == suspects.end()) return {};
        if (found->second == 0) {
          found->second = number;
          return {};
        }
        return fail(validation_error("custom_id", "lines " + std::to_string(found->second) +
                                                      " and " + std::to_string(number) +
                                                      " have the same custom_id '" + id +
                                                      "'; give each line its own"));
      });
  if (!again) return fail(again.error());
  return *lines;
}

}  // namespace graphbit::app
