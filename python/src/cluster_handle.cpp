#include "cluster_handle.hpp"

#include <utility>

#include "error_translation.hpp"
#include "gil.hpp"
#include "json_conversion.hpp"
#include "signal_check.hpp"

namespace graphbit::python {

namespace {

json_value texts(const std::vector<std::string>& list) {
  return json_value::array(list.begin(), list.end());
}

json_value to_json_value(const cluster::member_status& m) {
  json_value out;
  out.set("name", m.record.name);
  out.set("address", m.record.address);
  out.set("connected", m.connected);
  out.set("draining", m.record.state != cluster::member_state::up);
  out.set("slots", std::uint64_t{m.record.slots});
  out.set("window", std::uint64_t{m.window});
  out.set("in_flight", std::uint64_t{m.in_flight});
  out.set("labels", texts(m.record.labels));
  out.set("callables", texts(m.record.callables));
  return out;
}

}  // namespace

cluster::owner cluster_handle::open() {
  if (!owner_) {
    const auto home = process_runtime::instance().acquire();
    owner_ = unwrap(cluster::owner::open(*home, options_));
  }
  return owner_;
}

bool cluster_handle::wait(std::size_t count, milliseconds patience) {
  const auto owner = open();
  const bool there =
      without_gil([&] { return owner.wait_for_members(count, patience, signal_raised); });
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // the signal handler's
  return there;
}

py::list cluster_handle::members() {
  py::list out;
  for (const auto& m : open().members()) out.append(python_from_json(to_json_value(m)));
  return out;
}

py::object cluster_handle::call(const std::string& name, py::handle arguments) {
  const auto given = json_from_python(arguments);
  const auto function = open().function(name);
  auto value = without_gil([&] { return function.call(given); });
  return python_from_json(unwrap(std::move(value)));
}

void cluster_handle::close() {
  const auto closing = std::exchange(owner_, {});
  if (!closing) return;
  without_gil([&] {
    closing.close();
    return 0;
  });
}

// The runtime's reactors end next: nothing of the cluster's may reach them then.
void cluster_handle::release_handles() { close(); }

void cluster_handle::leak_handles() noexcept {
  static_cast<void>(new cluster::owner(std::move(owner_)));
  owner_ = {};
}

}  // namespace graphbit::python
