#include <map>
#include <mutex>

#include <graphbit/cluster/open_limit_authority.hpp>

#include "random_bytes.hpp"

namespace graphbit {

namespace {

class memory_limit_authority final : public limit_authority {
 public:
  explicit memory_limit_authority(const clock& clock) : clock_(clock) {}

  expected<std::uint64_t> join() override {
    const std::lock_guard guard(mutex_);
    return ++last_holder_;
  }

  expected<policy::limit_share> lease(std::string_view limit,
                                      const policy::share_request& request) override {
    const std::lock_guard guard(mutex_);
    auto& shares = limits_.try_emplace(std::string(limit)).first->second;
    return shares.lease(request, limit_share_lasts, clock_.now());
  }

  expected<void> give_back(std::string_view limit, const policy::share_return& back) override {
    const std::lock_guard guard(mutex_);
    const auto found = limits_.find(limit);
    if (found != limits_.end()) found->second.give_back(back, clock_.now());
    return {};
  }

  expected<std::string> hash_key() override {
    const std::lock_guard guard(mutex_);
    if (hash_key_.empty()) {
      auto bytes = random_bytes(32);
      if (!bytes) return bytes;
      hash_key_ = std::move(*bytes);
    }
    return hash_key_;
  }

 private:
  const clock& clock_;
  std::mutex mutex_;
  std::uint64_t last_holder_ = 0;
  std::string hash_key_;
  std::map<std::string, policy::limit_shares, std::less<>> limits_;
};

}  // namespace

std::unique_ptr<limit_authority> make_memory_limit_authority(const clock& clock) {
  return std::make_unique<memory_limit_authority>(clock);
}

}  // namespace graphbit
