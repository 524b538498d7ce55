#include "bindings.hpp"
#include "embedding_client.hpp"

namespace graphbit::python {

void bind_embeddings(py::module_& module) {
  py::class_<float_matrix>(module, "FloatMatrix", py::buffer_protocol())
      .def_buffer([](float_matrix& m) {
        return py::buffer_info(m.values.data(), sizeof(float),
                               py::format_descriptor<float>::format(), 2, {m.rows, m.columns},
                               {sizeof(float) * m.columns, sizeof(float)});
      });
  py::class_<embedding_client>(module, "EmbeddingClient")
      .def(py::init<provider_config>())
      .def("embed", &embedding_client::embed)
      .def("embed_async", &embedding_client::embed_async);
  module.def("cosine_similarity", &cosine_similarity);
}

}  // namespace graphbit::python
