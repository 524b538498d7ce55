#include "owner_limits.hpp"

#include <string>
#include <utility>

namespace graphbit::cluster {

namespace {

constexpr milliseconds patience{2'000};

}  // namespace

expected<limit_answer> owner_limits::ask(limit_ask ask) const {
  auto question = std::make_shared<limit_question>();
  question->ask = std::move(ask);
  auto answer = question->answer.get_future();
  put_(std::move(question));  // gone with whoever was to answer it
  if (answer.wait_for(patience) != std::future_status::ready)
    return fail(network_error("the owner of the work did not answer in time"));
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return fail(network_error("the owner of the work cannot be reached"));
  }
}

expected<std::uint64_t> owner_limits::join() {
  const auto answer = ask({});
  if (!answer) return fail(answer.error());
  return answer->holder;
}

expected<policy::limit_share> owner_limits::lease(std::string_view limit,
                                                  const policy::share_request& request) {
  const auto answer = ask({.limit = std::string(limit), .share = request});
  if (!answer) return fail(answer.error());
  return answer->share;
}

expected<void> owner_limits::give_back(std::string_view limit, const policy::share_return& back) {
  limit_ask returning{.limit = std::string(limit),
                      .share = {.holder = back.holder, .token = back.token},
                      .unused_for = std::chrono::duration_cast<milliseconds>(back.unused_for)};
  if (back.used) returning.share.use = policy::share_use{.used = *back.used};
  const auto answer = ask(std::move(returning));
  if (!answer) return fail(answer.error());
  return {};
}

expected<std::string> owner_limits::hash_key() {
  const auto answer = ask({});
  if (!answer) return fail(answer.error());
  return answer->hash_key;
}

}  // namespace graphbit::cluster
