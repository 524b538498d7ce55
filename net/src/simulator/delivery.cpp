#include "delivery.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace graphbit::sim {

namespace {

constexpr std::size_t burst_bytes_max = 32 * 1024;
// Lets a client read what came before the reset, which may overtake data.
constexpr milliseconds reset_delay{5};

/// An answer that takes more than one step; lives in the callbacks of its exchange.
class delivery : public std::enable_shared_from_this<delivery> {
 public:
  delivery(http_exchange exchange, reply&& what, const delivery_plan& plan)
      : exchange_(std::move(exchange)), reply_(std::move(what)), plan_(plan) {}

  void start() {
    if (plan_.delay == duration::zero()) return begin();
    exchange_.after(plan_.delay, [self = shared_from_this()] { self->begin(); });
  }

 private:
  [[nodiscard]] bool streamed() const { return !reply_.body.ends.empty(); }
  [[nodiscard]] std::string_view bytes() const { return reply_.body.bytes; }

  void begin() {
    if (streamed()) {
      exchange_.begin(reply_.status, reply_.content_type, reply_.headers);
    } else if (plan_.broken == fault::none) {
      return exchange_.respond(reply_.status, reply_.content_type, bytes(), reply_.headers);
    } else {
      std::string head;
      append_http_head(head, reply_.status, reply_.content_type, bytes().size(), reply_.headers,
                       true);
      if (plan_.broken == fault::drip)
        reply_.body.bytes.insert(0, head);  // headers that drip are part of the trouble
      else
        exchange_.raw(head);
    }
    begun_at_ = steady_clock::now();
    // A broken answer gets half of its way.
    const auto all = streamed() ? reply_.body.ends.size() : bytes().size();
    const bool whole = plan_.broken == fault::none || plan_.broken == fault::drip;
    end_ = whole ? all : all / 2;
    step();
  }

  void step() {
    if (plan_.broken == fault::drip) return drip();
    if (!streamed()) {
      exchange_.raw(bytes().substr(0, end_));
      return finish();
    }
    if (plan_.chunk_interval == duration::zero()) return burst();
    write_frame();
    if (next_ >= end_) return finish();
    const auto due = begun_at_ + plan_.chunk_interval * static_cast<std::int64_t>(next_);
    exchange_.after(std::max(duration::zero(), due - steady_clock::now()),
                    [self = shared_from_this()] { self->step(); });
  }

  void write_frame() {
    if (next_ >= end_) return;
    const auto end = reply_.body.ends[next_++];
    exchange_.write(bytes().substr(written_, end - written_));
    written_ = end;
  }

  void burst() {
    const auto start = written_;
    while (next_ < end_ && written_ - start < burst_bytes_max) write_frame();
    if (next_ >= end_) return finish();
    exchange_.drained([self = shared_from_this()] { self->step(); });
  }

  void drip() {
    const auto piece = bytes().substr(written_, std::max<std::size_t>(plan_.drip_bytes, 1));
    if (streamed())
      exchange_.write(piece);
    else
      exchange_.raw(piece);
    written_ += piece.size();
    if (written_ >= bytes().size()) return exchange_.end();
    exchange_.after(plan_.drip_interval, [self = shared_from_this()] { self->step(); });
  }

  void finish() {
    switch (plan_.broken) {
      case fault::truncate:
        return exchange_.close();
      case fault::reset_mid:
        return exchange_.after(reset_delay, [e = exchange_] { e.reset(); });
      case fault::stall:
        return;  // until the client goes
      default:
        return exchange_.end();
    }
  }

  http_exchange exchange_;
  reply reply_;
  delivery_plan plan_;
  time_point begun_at_{};
  std::size_t next_ = 0, end_ = 0;  // frames; bytes for an answer in one piece
  std::size_t written_ = 0;
};

}  // namespace

void deliver(const http_exchange& exchange, reply&& what, const delivery_plan& plan) {
  const bool simple = what.body.ends.empty() && plan.broken == fault::none;
  if (simple && plan.delay == duration::zero())
    return exchange.respond(what.status, what.content_type, what.body.bytes, what.headers);
  std::make_shared<delivery>(exchange, std::move(what), plan)->start();
}

}  // namespace graphbit::sim
