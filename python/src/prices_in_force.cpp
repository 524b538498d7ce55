#include "prices_in_force.hpp"

#include <optional>

#include "process_runtime.hpp"

namespace graphbit::python {

namespace {

std::optional<price_table> set_prices;

}  // namespace

price_table prices_in_force() { return set_prices ? *set_prices : price_table::built_in(); }

void set_prices_in_force(price_table table) {
  set_prices = std::move(table);
  if (const auto home = process_runtime::instance().current()) bring_prices(*home);
}

void bring_prices(runtime& home) {
  if (set_prices) home.service<price_book>()->replace(*set_prices);
}

}  // namespace graphbit::python
