#include "bindings.hpp"
#include "error_translation.hpp"
#include "prices_in_force.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

/// `prices`: a dict, or JSON text.
void set_prices(py::handle prices) {
  price_table table = prices_in_force();
  unwrap(table.add_json(json_object_argument(prices, "prices")));
  set_prices_in_force(std::move(table));
}

py::object price_of(py::handle provider, py::handle model) {
  const auto price =
      prices_in_force().find(text_argument(provider, "provider"), text_argument(model, "model"));
  if (!price) return py::none();
  py::dict shown;
  shown["input"] = price->input;
  if (price->cached_input) shown["cached_input"] = *price->cached_input;
  if (price->cache_write) shown["cache_write"] = *price->cache_write;
  shown["output"] = price->output;
  return shown;
}

}  // namespace

void bind_prices(py::module_& module) {
  module.def("set_prices", &set_prices);
  module.def("price_of", &price_of);
}

}  // namespace graphbit::python
