#pragma once

#include <Python.h>

#include <memory>

#include <graphbit/actors/chat_backend.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::python {

/// Backends that ask a Python provider (LiteLLM and the like) instead of a provider client, on the
/// blocking pool. `ask` takes one tuple (list of {"role", "content"}, max_tokens, temperature) and
/// gives (content, model, finish_reason, prompt_tokens, completion_tokens).
[[nodiscard]] chat_backend_factory python_backends(runtime& home, std::shared_ptr<PyObject> ask);

}  // namespace graphbit::python
