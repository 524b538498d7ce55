#include <graphbit/net/cassette.hpp>

#include <utility>

#include <graphbit/runtime/log.hpp>

#include "cassette_tape.hpp"

namespace graphbit {

cassette::cassette(std::shared_ptr<cassette_tape> tape) : tape_(std::move(tape)) {}

cassette::cassette(cassette&& other) noexcept = default;

cassette::~cassette() {
  if (auto ended = eject(); !ended) log(log_level::error, "net", ended.error().message);
}

expected<cassette> cassette::insert(const std::string& path, cassette_mode mode) {
  auto tape = cassette_tape::open(path, mode);
  if (!tape) return fail(std::move(tape.error()));
  cassette_tape::put_in(*tape);
  return cassette(std::move(*tape));
}

bool cassette::replays() const noexcept { return tape_ && tape_->replays(); }

expected<void> cassette::eject() {
  const auto tape = std::exchange(tape_, nullptr);
  if (!tape) return {};
  cassette_tape::take_out(tape);
  return tape->end();
}

}  // namespace graphbit
