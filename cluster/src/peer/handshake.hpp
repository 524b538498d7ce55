#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <graphbit/cluster/identity.hpp>
#include <graphbit/runtime/error.hpp>

#include "src/wire/message.hpp"

namespace graphbit::cluster {

/// Who this process is to its peers.
struct peer_self {
  std::string cluster = "graphbit";
  std::string name;
  peer_role role = peer_role::member;
  std::uint64_t incarnation = 0;
  std::uint32_t weight = 1;
  std::uint16_t version = protocol_version;       ///< lower to rehearse an upgrade
  std::shared_ptr<const identity> certificate{};  ///< none: loopback without TLS
};

/// Who the other side has proved to be.
struct peer_facts {
  std::string name;
  peer_role role = peer_role::member;
  std::uint64_t incarnation = 0;
  std::uint32_t weight = 1;
  std::uint16_t version = 0;  ///< that both speak
};

/// The first words between two machines, seen from the side that dials: hello, welcome, proof.
/// A state machine; nonces are passed in.
class dialling_handshake {
 public:
  /// `host`: as it was dialled; the peer's certificate must name it.
  dialling_handshake(const peer_self& self, std::string host, std::string nonce);
  [[nodiscard]] const hello& first() const noexcept { return hello_; }
  /// The last word to send. Error: why this peer is not to be trusted or cannot be understood.
  [[nodiscard]] expected<proof> answer(const welcome& w);
  [[nodiscard]] const peer_facts& peer() const noexcept { return peer_; }

 private:
  peer_self self_;
  std::string host_;
  hello hello_;
  peer_facts peer_;
};

/// The same from the side that listens.
class listening_handshake {
 public:
  listening_handshake(const peer_self& self, std::string nonce)
      : self_(self), nonce_(std::move(nonce)) {}
  [[nodiscard]] expected<welcome> answer(const hello& h);
  /// Precondition: `answer` gave a welcome. After success the peer is who it says.
  [[nodiscard]] expected<void> finish(const proof& p);
  [[nodiscard]] const peer_facts& peer() const noexcept { return peer_; }

 private:
  peer_self self_;
  std::string nonce_;
  hello hello_;
  welcome welcome_;
  peer_facts peer_;
};

}  // namespace graphbit::cluster
