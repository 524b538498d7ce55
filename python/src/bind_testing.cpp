#include <graphbit/net/cassette.hpp>
#include <graphbit/net/simulator.hpp>

#include "bindings.hpp"
#include "error_translation.hpp"
#include "gil.hpp"
#include "json_conversion.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

std::unique_ptr<sim::simulator> make_simulator(py::handle host, py::handle port,
                                               py::handle cert_file, py::handle key_file,
                                               py::handle script) {
  sim::simulator_options options;
  options.server.host = text_argument(host, "host");
  options.server.port = static_cast<std::uint16_t>(unsigned_argument(port, "port", UINT16_MAX));
  options.server.cert_file = optional_text_argument(cert_file, "cert_file").value_or("");
  options.server.key_file = optional_text_argument(key_file, "key_file").value_or("");
  options.script = json_object_argument(script, "script");
  return std::make_unique<sim::simulator>(std::move(options));
}

cassette insert_cassette(py::handle path, py::handle mode) {
  const auto name = text_argument(mode, "mode");
  const auto chosen = name == "auto"     ? cassette_mode::automatic
                      : name == "record" ? cassette_mode::record
                                         : cassette_mode::replay;
  const auto file = text_argument(path, "path");
  return unwrap(without_gil([&] { return cassette::insert(file, chosen); }));
}

}  // namespace

void bind_testing(py::module_& module) {
  py::class_<cassette>(module, "Cassette")
      .def(py::init(&insert_cassette))
      .def("replays", &cassette::replays)
      .def("eject", [](cassette& c) { unwrap(without_gil([&] { return c.eject(); })); });
  using sim::simulator;
  py::class_<simulator>(module, "Simulator")
      .def(py::init(&make_simulator))
      .def("start", [](simulator& s) { unwrap(without_gil([&] { return s.start(); })); })
      .def("stop",
           [](simulator& s) {
             without_gil([&] {
               s.stop();
               return 0;
             });
           })
      .def("url", &simulator::url)
      .def("configure",
           [](simulator& s, py::handle settings) {
             const auto text = json_object_argument(settings, "settings");
             unwrap(without_gil([&] { return s.configure(text); }));
           })
      .def("load_script",
           [](simulator& s, py::handle script) {
             const auto text = json_object_argument(script, "script");
             unwrap(without_gil([&] { return s.load_script(text); }));
           })
      .def("counters",
           [](simulator& s) {
             return python_from_json(unwrap(parse_json(without_gil([&] { return s.counters(); }))));
           })
      .def("reset", [](simulator& s) {
        without_gil([&] {
          s.reset();
          return 0;
        });
      });
}

}  // namespace graphbit::python
