#include "src/wire/reply_reader.hpp"

#include <graphbit/runtime/json_scan.hpp>

#include "src/wire/provider_error.hpp"

namespace graphbit {

reply_reader::reply_reader(const provider_config& config, std::string& body)
    : config_(config), utf8_(is_utf8(body)), front_(front_of(config, body)), json_(body) {}

expected<void> reply_reader::finish() {
  if (!utf8_) return fail(not_understood(config_, "the reply is not valid UTF-8", front_));
  if (!json_.finish()) return fail(not_understood(config_, "the reply is not valid JSON", front_));
  return {};
}

error reply_reader::lacks(std::string_view what) const {
  return not_understood(config_, "No " + std::string(what) + " in response", front_);
}

}  // namespace graphbit
