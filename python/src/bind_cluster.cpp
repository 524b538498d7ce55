#include <atomic>
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

milliseconds from_seconds(double s) { return milliseconds{static_cast<std::int64_t>(s * 1000)}; }

milliseconds milliseconds_argument(py::handle seconds, const char* name) {
  return from_seconds(real_argument(seconds, name));
}

std::shared_ptr<cluster_handle> make_cluster(py::handle seeds, py::handle ca, py::handle cert,
                                             py::handle key, py::handle name, py::handle weight,
                                             py::handle labels, py::handle share_credentials,
                                             py::handle outage_max_s, py::handle heartbeat_s,
                                             py::handle pause_max_s) {
  cluster::owner_options options{.seeds = texts_argument(seeds, "seeds"),
                                 .certificates = certificates_from(cert, key, ca),
                                 .cluster = text_argument(name, "name")};
  options.weight = static_cast<std::uint32_t>(unsigned_argument(weight, "weight", 1000));
  options.labels = texts_argument(labels, "labels");
  options.share_credentials = bool_argument(share_credentials, "share_credentials");
  if (const auto patience = optional_seconds_argument(outage_max_s, "outage_max_s"))
    options.outage_max = *patience;
  options.heartbeat = milliseconds_argument(heartbeat_s, "heartbeat_s");
  options.pause_max = milliseconds_argument(pause_max_s, "pause_max_s");
  return std::make_shared<cluster_handle>(std::move(options));
}

/// A member that runs Python functions; `graphbit.node` has one.
class python_node final : public runtime_user {
 public:
  python_node(const py::dict& settings, const py::dict& functions) {
    auto options = node_options_from(settings);
    for (const auto& [label, function] : functions)
      options.callables.push_back(make_callable(text_argument(label, "functions"),
                                                py::reinterpret_borrow<py::object>(function)));
    const auto store = text_argument(settings["limits_store"], "limits_store");
    options.limits_are_shared = !store.empty();
    if (options.limits_are_shared) unwrap(without_gil([&] { return share_limits_by(store); }));
    auto& process = process_runtime::instance();
    home_ = process.acquire();
    auto started = without_gil([&] { return cluster::node::start(*home_, std::move(options)); });
    node_ = unwrap(std::move(started));
    process.observed().set(
        {.metrics_address = text_argument(settings["metrics_address"], "metrics_address"),
         .dashboard = text_argument(settings["dashboard"], "dashboard"),
         .dashboard_token = text_argument(settings["dashboard_token"], "dashboard_token"),
         .own_check = [drains = drains_] {
           return health_check{
               .name = "draining", .ok = !*drains, .says = *drains ? "this node drains" : ""};
         }});
    unwrap(process.observed().start(*home_));
  }

  [[nodiscard]] std::string address() const { return node_->address(); }
  [[nodiscard]] std::string metrics_url() const {
    return process_runtime::instance().observed().metrics_url();
  }
  /// To be asked often: `/readyz` says what it said last.
  [[nodiscard]] bool draining() const { return *drains_ = node_->draining(); }
  [[nodiscard]] bool failed() const { return node_->failed(); }
  [[nodiscard]] py::object status() const { return python_from_json(node_->status()); }
  [[nodiscard]] bool drain(double patience_s) {
    *drains_ = true;
    return without_gil([&] { return node_->drain(from_seconds(patience_s)); });
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
  static cluster::node_options node_options_from(const py::dict& s) {
    cluster::node_options o;
    o.listen = text_argument(s["listen"], "listen");
    o.advertise = text_argument(s["advertise"], "advertise");
    o.certificates = certificates_from(s["cert"], s["key"], s["ca"]);
    o.seeds = texts_argument(s["seeds"], "seeds");
    o.cluster = text_argument(s["cluster"], "cluster");
    o.name = text_argument(s["name"], "name");
    o.slots = static_cast<std::uint32_t>(unsigned_argument(s["slots"], "slots", UINT32_MAX));
    o.labels = texts_argument(s["labels"], "labels");
    o.heartbeat = milliseconds_argument(s["heartbeat_s"], "heartbeat_s");
    o.pause_max = milliseconds_argument(s["pause_max_s"], "pause_max_s");
    o.protocol_version = static_cast<std::uint16_t>(
        unsigned_argument(s["protocol_version"], "protocol_version", UINT16_MAX));
    return o;
  }

  std::shared_ptr<runtime> home_;
  std::unique_ptr<cluster::node> node_;
  std::shared_ptr<std::atomic<bool>> drains_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

void bind_cluster(py::module_& module) {
  py::class_<cluster_handle, std::shared_ptr<cluster_handle>>(module, "Cluster")
      .def(py::init(&make_cluster))
      .def("wait", [](cluster_handle& c, std::size_t count,
                      double timeout_s) { return c.wait(count, from_seconds(timeout_s)); })
      .def("members", &cluster_handle::members)
      .def("call", &cluster_handle::call)
      .def("close", &cluster_handle::close);
  module.def("share_limits", [](py::handle store) {
    const auto name = text_argument(store, "store");
    unwrap(without_gil([&] { return share_limits_by(name); }));
  });
  py::class_<python_node>(module, "ClusterNode")
      .def(py::init<const py::dict&, const py::dict&>())
      .def("address", &python_node::address)
      .def("metrics_url", &python_node::metrics_url)
      .def("draining", &python_node::draining)
      .def("failed", &python_node::failed)
      .def("status", &python_node::status)
      .def("drain", &python_node::drain)
      .def("close", &python_node::close);
}

}  // namespace graphbit::python
