#include "guarded_backend.hpp"

#include <pybind11/pybind11.h>

#include <graphbit/runtime/blocking_pool.hpp>

#include "answer_path.hpp"
#include "gil.hpp"
#include "import_once.hpp"
#include "json_conversion.hpp"
#include "python_callable.hpp"
#include "response_conversion.hpp"
#include "strict_arguments.hpp"

namespace graphbit::python {

namespace {

py::list dicts_of(const std::vector<chat_message>& messages) {
  static constexpr const char* roles[] = {"system", "user", "assistant", "tool"};
  py::list dicts;
  for (const chat_message& message : messages) {
    py::list calls;
    for (const tool_call& call : message.tool_calls) calls.append(text_object(call.arguments));
    py::dict dict;
    dict["role"] = roles[static_cast<std::size_t>(message.role)];
    dict["content"] = text_object(message.text);
    dict["arguments"] = calls;
    dicts.append(dict);
  }
  return dicts;
}

/// Puts masked texts back; messages that the masking added come last, as the user's.
void take_texts(const py::list& dicts, std::vector<chat_message>& messages) {
  messages.resize(dicts.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const py::dict dict = dicts[i];
    messages[i].text = text_argument(dict["content"], "content");
    if (!dict.contains("arguments")) continue;
    const py::list calls = dict["arguments"];
    for (std::size_t c = 0; c < messages[i].tool_calls.size(); ++c)
      messages[i].tool_calls[c].arguments = text_argument(calls[c], "arguments");
  }
}

/// The masking of one call.
class guarded_call {
 public:
  explicit guarded_call(std::shared_ptr<PyObject> call) : call_(std::move(call)) {}

  static expected<std::shared_ptr<guarded_call>> begin(PyObject* guard, chat_request& request) {
    const gil_guard gil;
    try {
      py::object call = py::handle(guard).attr("begin_call")();
      take_texts(call.attr("mask_messages")(dicts_of(request.messages)), request.messages);
      return std::make_shared<guarded_call>(shared_reference(std::move(call)));
    } catch (const py::error_already_set& raised) {
      return fail(core_error(std::string("guardrail: ") + raised.what()));
    }
  }

  expected<chat_response> unmask(chat_response response) {
    const gil_guard gil;
    try {
      const py::object unmask = py::handle(call_.get()).attr("unmask");
      response.content = text_argument(unmask(text_object(response.content)), "content");
      for (tool_call& call : response.tool_calls)
        call.arguments = text_argument(unmask(text_object(call.arguments)), "arguments");
      return response;
    } catch (const py::error_already_set& raised) {
      return fail(core_error(std::string("guardrail: ") + raised.what()));
    }
  }

 private:
  std::shared_ptr<PyObject> call_;
};

class unmasking_sink final : public chat_sink {
 public:
  unmasking_sink(answer_path path, std::shared_ptr<guarded_call> call, blocking_pool& pool)
      : path_(std::move(path)), call_(std::move(call)), pool_(pool) {}

  void on_done(expected<chat_response> result) override {
    if (!result) return path_.deliver(std::move(result));
    auto response = std::make_shared<chat_response>(std::move(*result));
    const auto taken = pool_.submit([path = path_, call = call_, response] {
      path.deliver(call->unmask(std::move(*response)));
    });
    if (!taken) path_.deliver(fail(taken.error()));
  }

 private:
  answer_path path_;
  std::shared_ptr<guarded_call> call_;
  blocking_pool& pool_;
};

class guarded_backend final : public chat_backend {
 public:
  guarded_backend(std::shared_ptr<chat_backend> base, std::shared_ptr<PyObject> guard,
                  blocking_pool& pool)
      : base_(std::move(base)), guard_(std::move(guard)), pool_(pool) {}

  void submit(chat_request request, call_options options, std::unique_ptr<chat_sink> sink,
              bool stream, reactor& home) override {
    const answer_path path{std::move(sink), &home, stream};
    auto kept = std::make_shared<std::pair<chat_request, call_options>>(std::move(request),
                                                                        std::move(options));
    const auto taken = pool_.submit([base = base_, guard = guard_, kept, path, &pool = pool_] {
      auto call = guarded_call::begin(guard.get(), kept->first);
      if (!call) return path.deliver(fail(std::move(call.error())));
      base->submit(std::move(kept->first), std::move(kept->second),
                   std::make_unique<unmasking_sink>(path, std::move(*call), pool), false,
                   *path.home);
    });
    if (!taken) path.deliver(fail(taken.error()));
  }

  [[nodiscard]] const provider_config& config() const override { return base_->config(); }

 private:
  std::shared_ptr<chat_backend> base_;
  std::shared_ptr<PyObject> guard_;
  blocking_pool& pool_;
};

}  // namespace

chat_backend_factory guarded_backends(runtime& home, chat_backend_factory base,
                                      std::shared_ptr<PyObject> policy) {
  static import_once make_guard("graphbit.guardrail", "GuardRail");
  auto guard = shared_reference(make_guard.get()(py::handle(policy.get())));
  return [base = std::move(base), guard = std::move(guard), &pool = home.blocking()](
             const provider_config& config) -> expected<std::shared_ptr<chat_backend>> {
    auto opened = base(config);
    if (!opened) return opened;
    return std::make_shared<guarded_backend>(std::move(*opened), guard, pool);
  };
}

}  // namespace graphbit::python
