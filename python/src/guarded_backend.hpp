#pragma once

#include <Python.h>

#include <memory>

#include <graphbit/actors/chat_backend.hpp>
#include <graphbit/runtime/runtime.hpp>

namespace graphbit::python {

/// `base`, with personal data masked by a Python `GuardRailPolicyConfig` before a call goes out,
/// and put back into the answer (text and tool arguments).
///
/// The masking is Python, so it runs on the blocking pool, never on a reactor. A guarded stream
/// gives its text as one piece when the answer is whole: a token is never cut in two.
[[nodiscard]] chat_backend_factory guarded_backends(runtime& home, chat_backend_factory base,
                                                    std::shared_ptr<PyObject> policy);

}  // namespace graphbit::python
