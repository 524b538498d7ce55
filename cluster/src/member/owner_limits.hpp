#pragma once

#include <functional>
#include <future>
#include <memory>

#include <graphbit/actors/limit_authority.hpp>

#include "src/wire/message.hpp"

namespace graphbit::cluster {

/// A question to an owner, on its way through the member's actor. Without an answer the future of
/// whoever waits breaks.
struct limit_question {
  limit_ask ask;
  std::promise<limit_answer> answer;
};
using limit_question_ptr = std::shared_ptr<limit_question>;

/// An owner as the authority of its own limits, seen from a member: asks by messages and waits, on
/// the thread that leases shares. Fails while the owner cannot be reached. Threads: any.
class owner_limits final : public limit_authority {
 public:
  /// `put` hands a question to the member's actor.
  explicit owner_limits(std::function<void(limit_question_ptr)> put) : put_(std::move(put)) {}

  expected<std::uint64_t> join() override;
  expected<policy::limit_share> lease(std::string_view limit,
                                      const policy::share_request& request) override;
  expected<void> give_back(std::string_view limit, const policy::share_return& back) override;
  expected<std::string> hash_key() override;

 private:
  [[nodiscard]] expected<limit_answer> ask(limit_ask question) const;

  std::function<void(limit_question_ptr)> put_;
};

}  // namespace graphbit::cluster
