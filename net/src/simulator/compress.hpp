#pragma once

#include "conversation.hpp"

namespace graphbit::sim {

/// Turns a reply's body into gzip, each frame of a stream so that a client can read it when it
/// comes, and adds the header that says so.
void compress(reply& r);

}  // namespace graphbit::sim
