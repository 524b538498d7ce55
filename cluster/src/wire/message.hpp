#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <graphbit/actors/call.hpp>
#include <graphbit/actors/policy/limit_shares.hpp>
#include <graphbit/cluster/member_record.hpp>
#include <graphbit/net/provider_config.hpp>
#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/clock.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit::cluster {

/// Versions of what machines say to each other. A peer speaks every version from the least to its
/// own; both take the newest that both speak.
/// 3: the first that still speaks; members lease shares of limits from owners, and calls carry
/// their trace.  4: members say what they use of a share.
inline constexpr std::uint16_t protocol_version = 4;
inline constexpr std::uint16_t protocol_version_min = protocol_version - 1;

enum class peer_role : std::uint8_t {
  owner = 1,  ///< has runs and dials members
  member,     ///< carries work out
  observer,   ///< only looks: `graphbit top`
};

// -- before both sides know each other; these four never change their form

/// The dialling side's first word.
struct hello {
  std::uint16_t version = protocol_version;
  std::uint16_t version_min = protocol_version_min;
  peer_role role = peer_role::owner;
  std::string cluster;
  std::string name;
  std::uint64_t incarnation = 0;
  std::uint32_t weight = 1;  ///< an owner's share beside other owners'
  std::string nonce;
  std::string certificate;  ///< PEM chain; empty without TLS
};
/// The listening side's answer; `version` is the one that both use from now on.
struct welcome {
  std::uint16_t version = 0;
  std::string name;
  std::uint64_t incarnation = 0;
  std::string nonce;
  std::string certificate;
  std::string signature;  ///< over the transcript of both hellos; empty without TLS
};
/// The dialling side's last word.
struct proof {
  std::string signature;
};
/// Either side says why it will not go on, and hangs up.
struct refused {
  std::string why;
};

// -- both directions

/// "I live." Sent by both at every interval.
struct heartbeat {
  std::uint64_t beat = 0;
};
/// All members that the sender knows, itself among them.
struct member_view {
  std::vector<member_record> members;
};

// -- owner to member

/// How much work waits at the owner for any member.
struct demand {
  std::uint32_t waiting = 0;
};
/// A provider configuration that items name by its number.
struct configuration {
  std::uint32_t id = 0;
  provider_config config;
  bool with_key = false;  ///< the key travels too; else the member takes its own
};
/// A Python callable or a registered function.
struct function_call {
  std::string name;
  std::string arguments;  ///< JSON text
};
using work_request = std::variant<chat_request, embedding_request, function_call>;

/// One piece of work. The same `id` with a higher `attempt` replaces what was sent before.
struct work_item {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
  std::uint32_t configuration = 0;
  bool stream = false;
  milliseconds deadline_in{-1};  ///< remaining time, so that clocks need not agree; < 0: none
  call_options options;          ///< of these only what `fields` names travels
  std::shared_ptr<const work_request> request;
};
struct cancel_item {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
};
/// The owner's reader has taken so many pieces of a stream.
struct consumed {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
  std::uint32_t pieces = 0;
};

// -- member to owner

/// How many of this owner's items the member takes at once, from now on.
struct credit {
  std::uint32_t window = 0;
};
struct stream_text {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
  std::vector<std::string> pieces;
};
struct stream_restart {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
};
/// A function's value, as JSON text.
struct function_value {
  std::string json;
};
using work_result = std::variant<error, chat_response, embedding_response, function_value>;

struct work_outcome {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
  work_result result;
};
/// The member did not begin, or gives up unfinished, this item: it may run elsewhere.
struct given_back {
  std::uint64_t id = 0;
  std::uint32_t attempt = 0;
};

// -- operators

struct drain_request {};
struct status_request {};
/// The member's state, as JSON text.
struct status_reply {
  std::string json;
};

// -- limits that an owner divides among its members (`limit_authority`, by messages)

/// Member to owner.
struct limit_ask {
  std::uint64_t number = 0;  ///< comes back in the answer
  std::string limit;
  policy::share_request share;  ///< holder 0: the member wants to be known
  milliseconds unused_for{-1};  ///< >= 0: the share is given back
};
/// Owner to member.
struct limit_answer {
  std::uint64_t number = 0;
  std::uint64_t holder = 0;
  std::string hash_key;
  policy::limit_share share;
};

/// Everything that machines say. A message's place in this list is its number on the wire: add at
/// the end, never reorder.
using message = std::variant<hello, welcome, proof, refused, heartbeat, member_view, demand,
                             configuration, work_item, cancel_item, consumed, credit, stream_text,
                             stream_restart, work_outcome, given_back, drain_request,
                             status_request, status_reply, limit_ask, limit_answer>;

/// Appends a message's bytes as a peer of `version` understands them.
void encode(const message& m, std::uint16_t version, std::string& out);
/// Nothing for a type that this version does not know, which is to be skipped.
/// Error: Core for bytes that are no message.
[[nodiscard]] expected<std::optional<message>> decode(std::uint8_t type, std::string_view bytes,
                                                      std::uint16_t version);

}  // namespace graphbit::cluster
