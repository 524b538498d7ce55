#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <graphbit/runtime/caf.hpp>

#include "src/peer/handshake.hpp"
#include "src/peer/link_system.hpp"

namespace graphbit::cluster {

/// To the actor that a link belongs to. Every successful connection has a number of its own.
struct link_opened {
  std::uint64_t link = 0;
  std::string address;
  peer_facts peer;
};
struct link_received {
  std::uint64_t link = 0;
  std::vector<message> messages;
};
struct link_closed {
  std::uint64_t link = 0;  ///< 0: it was not open, the dialling failed
  std::string address;
  std::string why;
};
using link_event = std::variant<link_opened, link_received, link_closed>;
using link_event_ptr = std::shared_ptr<link_event>;
/// To a link: send these.
using link_mail = std::shared_ptr<std::vector<message>>;

struct link_setup {
  std::shared_ptr<link_system> system;
  peer_self self;
  std::string address;  ///< "HOST:PORT"
  link_settings links;
  caf::actor parent;
};

/// The dialling end of a connection to one member: connects, shakes hands, sends heartbeats,
/// watches the peer's, and when the connection ends dials again after a jittered
/// backoff, for ever. Its parent gets `link_event_ptr`s and sends `link_mail`s; an exit message
/// ends it.
caf::behavior keep_link(caf::event_based_actor* self, const link_setup& setup);

}  // namespace graphbit::cluster

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::cluster::link_event_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(graphbit::cluster::link_mail)
