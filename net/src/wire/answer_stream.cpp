#include "src/wire/answer_stream.hpp"

#include "src/wire/tool_arguments.hpp"

namespace graphbit {

namespace {

constexpr int bad_events_max = 5;  // in a row, then this is no stream of the provider's
constexpr std::size_t front_bytes_max = 1024;
constexpr std::size_t calls_max = 1024;  // tool calls of one answer

}  // namespace

expected<chat_response> answer_stream::finish() {
  if (!complete_ && !has_finish_)
    return fail(understood_ || front_.empty()
                    ? cut_short(config_, std::move(response_.content))
                    : not_understood(config_, "the answer is no stream", front_));
  response_.provider = config_.provider;
  for (auto& [index, call] : calls_) {
    call.arguments = tool_arguments(std::move(call.arguments));
    response_.tool_calls.push_back(std::move(call));
  }
  return std::move(response_);
}

void answer_stream::keep_front(std::string_view bytes) {
  if (!understood_ && front_.size() < front_bytes_max)
    front_ += bytes.substr(0, front_bytes_max - front_.size());
}

void answer_stream::deliver(std::string_view delta, texts& out) {
  if (delta.empty()) return;
  response_.content += delta;
  out.emplace_back(delta);
}

expected<void> answer_stream::add_call_piece(std::uint32_t index, std::string_view id,
                                             std::string_view name, std::string_view arguments) {
  auto found = calls_.rbegin();
  while (found != calls_.rend() && found->first != index) ++found;
  const bool other_id =
      found != calls_.rend() && !id.empty() && !found->second.id.empty() && found->second.id != id;
  if (found == calls_.rend() || other_id) {
    if (calls_.size() == calls_max)
      return fail(with_partial_text(
          resource_error("tool_calls", "the answer holds more than 1024 tool calls")));
    calls_.emplace_back(index, tool_call{{}, {}, {}});
    found = calls_.rbegin();
  }
  tool_call& call = found->second;
  if (call.id.empty()) call.id = id;
  if (call.name.empty()) call.name = name;
  call.arguments += arguments;
  return {};
}

void answer_stream::set_finish(finish_reason reason) {
  has_finish_ = true;
  response_.finish = std::move(reason);
}

expected<bool> answer_stream::bad_event(std::string_view data) {
  if (++bad_events_ <= bad_events_max) return false;
  return fail(with_partial_text(not_understood(
      config_, "more than 5 lines of the stream in a row cannot be understood", data)));
}

error answer_stream::refusal(const provider_words& words) const {
  return refused_inside(config_, words, response_.content);
}

error answer_stream::with_partial_text(error e) const {
  e.provider = config_.provider;
  e.partial_text = response_.content;
  return e;
}

expected<void> sse_answer_stream::feed(std::string_view bytes, texts& out) {
  keep_front(bytes);
  parser_.feed(bytes);
  sse_event event;
  while (!complete()) {
    const auto got = parser_.next(event);
    if (!got) return fail(with_partial_text(got.error()));
    if (!*got) break;
    if (auto taken = take(event, out); !taken) return taken;
  }
  return {};
}

}  // namespace graphbit
