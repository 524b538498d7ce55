#pragma once

#include <cstdint>
#include <string>

#include <caf/meta/type_name.hpp>

#include <graphbit/runtime/caf.hpp>

namespace graphbit::cluster {

/// The one message type that crosses machines: our own encoding (wire/frame.hpp), so that what it
/// holds can change from version to version without CAF noticing.
struct frame {
  std::uint16_t version = 0;
  std::string bytes;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, frame& x) {
  return f(caf::meta::type_name("graphbit.frame"), x.version, x.bytes);
}

}  // namespace graphbit::cluster
