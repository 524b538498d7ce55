#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <graphbit/actors/policy/limit_shares.hpp>
#include <graphbit/actors/provider_client.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>
#include <graphbit/runtime/runtime.hpp>
#include <graphbit/runtime/secret.hpp>

namespace graphbit {

/// How long a share lasts unless it is renewed; a holder renews after a third of it.
inline constexpr seconds limit_share_lasts{10};

/// The one place that divides limits among the processes that share provider keys. The rules, and
/// what holders owe, are those of `policy::limit_shares`.
///
/// A limit is named by a keyed hash (`hash_key`) of what it belongs to, so that no provider key
/// leaves the process that uses it. Only durations cross this interface: the authority's clock and
/// the holder's need not agree.
///
/// Three forms: memory (one owner is the authority of its members; ends with it), SQLite (the
/// processes of one machine), PostgreSQL (a cluster). Calls may wait for a database: never make
/// them on a reactor. Threads: any.
class limit_authority {
 public:
  virtual ~limit_authority() = default;

  /// Names a new holder, never named before by this authority: its member epoch.
  [[nodiscard]] virtual expected<std::uint64_t> join() = 0;
  /// Leases, renews or changes a share. When this fails the holder keeps what it has until its end.
  [[nodiscard]] virtual expected<policy::limit_share> lease(
      std::string_view limit, const policy::share_request& request) = 0;
  /// The holder has no use for its share any more.
  [[nodiscard]] virtual expected<void> give_back(std::string_view limit,
                                                 const policy::share_return& back) = 0;
  /// 32 random bytes, made with the authority: the key under which limits' names are hashed. Give
  /// it only to members that may use the limits.
  [[nodiscard]] virtual expected<std::string> hash_key() = 0;
};

/// The name of the limit of one provider key: a keyed hash (HMAC-SHA256, hexadecimal), which says
/// nothing of the key to whoever reads the store. `hash_key`: `limit_authority::hash_key`.
[[nodiscard]] std::string limit_name(std::string_view hash_key, std::string_view endpoint,
                                     std::string_view model, const secret& api_key);

/// From now on the provider clients that `rt` opens hold the limits of their configurations (`rpm`,
/// `tpm`, `max_in_flight`) together with all other processes of `authority`: they use only what
/// they have leased, evenly paced, and stop when they cannot renew it. Clients that are open
/// already, and configurations without limits, stay as they are. Error: Runtime after the end.
[[nodiscard]] expected<void> share_limits(runtime& rt, std::shared_ptr<limit_authority> authority);

/// A provider client that shares its configuration's limits by this authority, whatever
/// `share_limits` says. Of a configuration with routes the latter counts. Error: as
/// `provider_client::open` gives.
[[nodiscard]] expected<provider_client> open_sharing(runtime& rt, provider_config config,
                                                     std::shared_ptr<limit_authority> authority);

}  // namespace graphbit
