#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/policy/credit_ledger.hpp"
#include "src/wire/message.hpp"

namespace graphbit::cluster {

/// One item that runs here, by a number of this member's own.
using job_id = std::uint64_t;

/// What a member does with its owners' messages: grants credit, queues, starts and stops work, and
/// sends outcomes. A state machine; the shell around it (`member_actor`) moves bytes and carries
/// work out.
///
/// An owner that is gone gets nothing any more: its work is stopped, because whoever adopts it
/// sends it again. While draining, what has not begun is given back at once.
class member_core {
 public:
  class effects {
   public:
    virtual ~effects() = default;
    virtual void send(session_id to, message m) = 0;
    /// Carry this out and report by `job_done`, once, also after `stop`.
    virtual void start(job_id job, const work_item& item, const configuration* config) = 0;
    virtual void stop(job_id job) = 0;
    /// Reads on in a stream whose `text_came` said false.
    virtual void resume(job_id job) = 0;
    /// The owner broke the rules: end its connection, later (`owner_down` follows).
    virtual void close(session_id session, const std::string& why) = 0;
  };

  member_core(std::uint32_t slots, effects& out) : slots_(slots), ledger_(slots), out_(out) {}

  void owner_up(session_id session, std::uint32_t weight);
  void owner_down(session_id session);
  /// False for a message that an owner has no business to send.
  [[nodiscard]] bool receive(session_id session, message m);

  void job_done(job_id job, work_result result);
  /// The job could not be tried here (this member is ending): another member shall.
  void job_refused(job_id job);
  /// False: the owner is behind; read no more until `resume`.
  [[nodiscard]] bool text_came(job_id job, std::vector<std::string> pieces);
  void stream_restarted(job_id job);

  /// Takes no more work; gives back what has not begun.
  void drain();
  /// Gives back what has begun, too.
  void give_up();
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  /// The session that waits for a job; 0: none does any more.
  [[nodiscard]] session_id owner_of(job_id job) const {
    const auto found = jobs_.find(job);
    return found == jobs_.end() ? 0 : found->second.owner;
  }
  [[nodiscard]] std::size_t running() const noexcept { return jobs_.size(); }
  [[nodiscard]] std::size_t queued() const noexcept { return queued_; }
  [[nodiscard]] std::size_t owners() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }

 private:
  struct session {
    std::uint32_t weight = 1;
    std::map<std::uint32_t, configuration> configurations;
    std::deque<work_item> queue;
    std::unordered_map<std::uint64_t, job_id> running;  // by item
    std::uint32_t wanted = 0;                           // items that wait at the owner
  };
  struct job {
    session_id owner = 0;  // 0: nobody waits for it any more
    std::uint64_t item = 0;
    std::uint32_t attempt = 0;
    std::uint32_t unconsumed = 0;
    bool paused = false;
  };

  void take(session_id id, session& s, work_item item);
  void cancel(session& s, const cancel_item& what);
  void was_consumed(session& s, const consumed& what);
  void start_some();
  [[nodiscard]] std::pair<const session_id, session>* next_in_turn();
  void update_demand(session_id id, const session& s);
  void send_credit();
  void end(std::unordered_map<job_id, job>::iterator j);

  std::uint32_t slots_;
  credit_ledger ledger_;
  effects& out_;
  bool draining_ = false;
  std::map<session_id, session> sessions_;
  std::unordered_map<job_id, job> jobs_;
  std::size_t queued_ = 0;
  job_id next_job_ = 1;
  std::uint64_t done_ = 0;
};

}  // namespace graphbit::cluster
