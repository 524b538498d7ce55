#include <memory>

#include <graphbit/cluster/node.hpp>

#include "bindings.hpp"
#include "cluster_handle.hpp"
#include "error_translation.hpp"
#include "gil.hpp"
#include "json_conversion.hpp"
#include "limits_in_force.hpp"
#include "process_runtime.hpp"
#include "python_callable.hpp"
#include "signal_check.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

cluster::certificate_files certificates_from(py::handle cert, py::handle key, py::handle ca) {
  return {.certificate = optional_text_argument(cert, "cert").value_or(""),
          .key = optional_text_argument(key, "key").value_or(""),
          .ca = optional_text_argument(ca, "ca").value_or("")};
}

std::shared_ptr<cluster_handle> make_cluster(py::handle seeds, py::handle ca, py::handle cert,
                                             py::handle key, py::handle name, py::handle weight,
                                             py::handle labels, py::handle share_credentials,
                                             py::handle outage_max_s) {
  cluster::owner_options options{.seeds = texts_argument(seeds, "seeds"),
                                 .certificates = certificates_from(cert, key, ca),
                                 .cluster = text_argument(name, "name")};
  options.weight = static_cast<std::uint32_t>(unsigned_argument(weight, "weight", 1000));
  options.labels = texts_argument(labels, "labels");
  options.share_credentials = bool_argument(share_credentials, "share_credentials");
  if (const auto patience = optional_seconds_argument(outage_max_s, "outage_max_s"))
    options.outage_max = *patience;
  return std::make_shared<cluster_handle>(std::move(options));
}

/// A member that runs Python functions; `graphbit.node` has one.
class python_node final : public runtime_user {
 public:
  python_node(py::handle listen, py::handle advertise, py::handle cert, py::handle key,
              py::handle ca, py::handle seeds, py::handle cluster_name, py::handle name,
              py::handle slots, py::handle labels, const py::dict& functions) {
    cluster::node_options options;
    options.listen = text_argument(listen, "listen");
    options.advertise = text_argument(advertise, "advertise");
    options.certificates = certificates_from(cert, key, ca);
    options.seeds = texts_argument(seeds, "seeds");
    options.cluster = text_argument(cluster_name, "cluster");
    options.name = text_argument(name, "name");
    options.slots = static_cast<std::uint32_t>(unsigned_argument(slots, "slots", UINT32_MAX));
    options.labels = texts_argument(labels, "labels");
    for (const auto& [label, function] : functions)
      options.callables.push_back(make_callable(text_argument(label, "functions"),
                                                py::reinterpret_borrow<py::object>(function)));
    home_ = process_runtime::instance().acquire();
    auto started = without_gil([&] { return cluster::node::start(*home_, std::move(options)); });
    node_ = unwrap(std::move(started));
  }

  [[nodiscard]] std::string address() const { return node_->address(); }
  [[nodiscard]] bool draining() const { return node_->draining(); }
  [[nodiscard]] py::object status() const { return python_from_json(node_->status()); }
  [[nodiscard]] bool drain(double patience_s) {
    return without_gil(
        [&] { return node_->drain(milliseconds{static_cast<std::int64_t>(patience_s * 1000)}); });
  }
  void close() {
    without_gil([&] {
      node_.reset();
      return 0;
    });
    home_.reset();
  }
  void release_handles() override { close(); }
  void leak_handles() noexcept override { static_cast<void>(node_.release()); }

 private:
  std::shared_ptr<runtime> home_;
  std::unique_ptr<cluster::node> node_;
};

}  // namespace

void bind_cluster(py::module_& module) {
  py::class_<cluster_handle, std::shared_ptr<cluster_handle>>(module, "Cluster")
      .def(py::init(&make_cluster))
      .def("wait",
           [](cluster_handle& c, std::size_t count, double timeout_s) {
             return c.wait(count, milliseconds{static_cast<std::int64_t>(timeout_s * 1000)});
           })
      .def("members", &cluster_handle::members)
      .def("call", &cluster_handle::call)
      .def("close", &cluster_handle::close);
  module.def("share_limits", [](py::handle store) {
    const auto name = text_argument(store, "store");
    unwrap(without_gil([&] { return share_limits_by(name); }));
  });
  py::class_<python_node>(module, "ClusterNode")
      .def(py::init<py::handle, py::handle, py::handle, py::handle, py::handle, py::handle,
                    py::handle, py::handle, py::handle, py::handle, const py::dict&>())
      .def("address", &python_node::address)
      .def("draining", &python_node::draining)
      .def("status", &python_node::status)
      .def("drain", &python_node::drain)
      .def("close", &python_node::close);
}

}  // namespace graphbit::python
