#include "python_backend.hpp"

#include <pybind11/pybind11.h>

#include <graphbit/runtime/blocking_pool.hpp>

#include "answer_path.hpp"
#include "gil.hpp"
#include "python_callable.hpp"
#include "response_conversion.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

/// What graphbit.bridge_client.PythonProvider takes.
py::tuple arguments_of(const chat_request& request, const trace_context& caller) {
  static constexpr const char* roles[] = {"system", "user", "assistant", "tool"};
  py::list messages;
  for (const chat_message& message : request.messages) {
    py::dict dict;
    dict["role"] = roles[static_cast<std::size_t>(message.role)];
    dict["content"] = text_object(message.text);
    messages.append(dict);
  }
  return py::make_tuple(
      messages,
      request.max_tokens ? py::object(py::int_(*request.max_tokens)) : py::object(py::none()),
      request.temperature ? py::object(py::float_(*request.temperature)) : py::object(py::none()),
      caller.valid() ? py::object(py::str(caller.traceparent())) : py::object(py::none()));
}

chat_response response_from(const py::tuple& answer) {
  chat_response response;
  response.content = text_argument(answer[0], "content");
  response.model = text_argument(answer[1], "model");
  response.finish = {finish_reason::kind::other, text_argument(answer[2], "finish_reason")};
  if (response.finish.text == "stop") response.finish = {};
  if (response.finish.text == "length") response.finish = {finish_reason::kind::length, {}};
  response.usage.prompt_tokens = answer[3].cast<std::uint32_t>();
  response.usage.completion_tokens = answer[4].cast<std::uint32_t>();
  response.usage.total_tokens = response.usage.prompt_tokens + response.usage.completion_tokens;
  return response;
}

expected<chat_response> ask_python(PyObject* ask, const chat_request& request,
                                   const trace_context& caller, const std::string& provider) {
  const gil_guard gil;
  try {
    const py::tuple arguments = arguments_of(request, caller);
    const auto answer =
        py::reinterpret_steal<py::object>(call_from_foreign_thread(ask, arguments.ptr()));
    if (!answer) throw py::error_already_set();
    chat_response response = response_from(answer);
    response.provider = provider;
    return response;
  } catch (const std::exception& raised) {
    error e = core_error(provider + " - " + raised.what());
    e.provider = provider;
    return fail(std::move(e));
  }
}

class python_backend final : public chat_backend {
 public:
  python_backend(provider_config config, std::shared_ptr<PyObject> ask, blocking_pool& pool)
      : config_(std::move(config)), ask_(std::move(ask)), pool_(pool) {}

  void submit(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
              bool stream, reactor& home) override {
    const answer_path path{std::move(sink), &home, stream};
    auto kept = std::make_shared<chat_request>(std::move(request));
    const auto taken = pool_.submit([ask = ask_, kept, path, caller = options.trace,
                                     provider = config_.provider, stop = std::move(options.stop)] {
      if (stop.stop_requested()) return path.deliver(fail(cancelled_error("complete")));
      path.deliver(ask_python(ask.get(), *kept, caller, provider));
    });
    if (!taken) path.deliver(fail(taken.error()));
  }

  [[nodiscard]] const provider_config& config() const override { return config_; }

 private:
  provider_config config_;
  std::shared_ptr<PyObject> ask_;
  blocking_pool& pool_;
};

}  // namespace

chat_backend_factory python_backends(runtime& home, std::shared_ptr<PyObject> ask) {
  return [base = provider_backends(home), ask = std::move(ask), &pool = home.blocking()](
             const provider_config& config) -> expected<std::shared_ptr<chat_backend>> {
    if (config.provider != "python_bridge") return base(config);  // a node's own provider
    return std::make_shared<python_backend>(config, ask, pool);
  };
}

}  // namespace graphbit::python
