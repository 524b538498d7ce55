#include "bindings.hpp"
#include "error_translation.hpp"
#include "llm_client.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

template <py::object (llm_client::*Call)(py::handle, const call_arguments&)>
py::object call(llm_client& client, py::handle input, py::handle max_tokens, py::handle temperature,
                py::handle caching, py::handle options) {
  return (client.*Call)(input, {max_tokens, temperature, caching, options});
}

void bind_client(py::module_& module) {
  py::class_<llm_client>(module, "LlmClient")
      .def(py::init<provider_config, bool, py::handle, py::handle>())
      .def("complete", &call<&llm_client::complete>)
      .def("complete_full", &call<&llm_client::complete_full>)
      .def("complete_async", &call<&llm_client::complete_async>)
      .def("complete_full_async", &call<&llm_client::complete_full_async>)
      .def("chat", &call<&llm_client::chat>)
      .def("start_batch",
           [](llm_client& client, py::handle max_tokens, py::handle temperature,
              py::handle max_concurrency, py::handle options, bool full) {
             return client.start_batch(max_concurrency, {max_tokens, temperature, {}, options},
                                       full);
           })
      .def("run_batch", &llm_client::run_batch)
      .def("stream",
           [](llm_client& client, py::handle prompt, py::handle max_tokens, py::handle temperature,
              py::handle options) {
             return client.stream(prompt, {max_tokens, temperature, {}, options});
           })
      .def("warm_up", &llm_client::warm_up)
      .def("use_cluster", &llm_client::use_cluster)
      .def("set_limits", &llm_client::set_limits)
      .def("stats", &llm_client::stats)
      .def("reset_stats", &llm_client::reset_stats);
}

void bind_batch(py::module_& module) {
  py::class_<prompt_batch, std::shared_ptr<prompt_batch>>(module, "PromptBatch")
      .def("add", [](prompt_batch& batch,
                     py::handle prompts) { batch.add(texts_argument(prompts, "prompts")); })
      .def("close", &prompt_batch::close)
      .def("cancel", &prompt_batch::cancel)
      .def("counts", &prompt_batch::counts)
      .def("take_room", &prompt_batch::take_room)
      .def("wait_for_room", &prompt_batch::wait_for_room);
}

void bind_stream(py::module_& module) {
  py::class_<text_stream>(module, "TextStream")
      .def("take", &text_stream::take)
      .def("wait", &text_stream::wait)
      .def("wait_async", &text_stream::wait_async)
      .def("close", &text_stream::close)
      .def("response", &text_stream::response);
}

/// The checks of `LlmClient.complete`, for clients that are pure Python.
void check_call(py::handle prompt, py::handle max_tokens, py::handle temperature,
                py::handle caching, py::handle options, bool full) {
  keyword_arguments keywords(options);
  if (!keywords.take("attachments").is_none())
    raise(validation_error("attachments", "a Python provider takes text only"));
  static_cast<void>(prepare_call(prompt, {max_tokens, temperature, caching, options},
                                 full ? token_limit_rule::full : token_limit_rule::u32));
}

}  // namespace

void bind_llm(py::module_& module) {
  module.def("check_call", &check_call);
  bind_batch_run(module);
  bind_client(module);
  bind_batch(module);
  bind_stream(module);
}

}  // namespace graphbit::python
