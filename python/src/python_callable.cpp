#include "python_callable.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <vector>

#include "gil.hpp"
#include "result_codecs.hpp"

namespace graphbit::python {

namespace {

/// References whose last owner let go on a thread without the GIL, such as a reactor.
struct dropped_references {
  std::mutex mutex;
  std::vector<PyObject*> objects;

  static dropped_references*& instance() {
    static auto* current = new dropped_references;
    return current;
  }
};

int release_from_pending_call(void*) {
  release_dropped_references();
  return 0;
}

void drop(PyObject* object) {
  if (interpreter_is_exiting()) return;  // nobody will ask for the memory
  auto& dropped = *dropped_references::instance();
  bool first = false;
  {
    const std::lock_guard guard(dropped.mutex);
    first = dropped.objects.empty();
    dropped.objects.push_back(object);
  }
  // Has the main thread do it soon; should its queue be full, our next call does.
  if (first) Py_AddPendingCall(release_from_pending_call, nullptr);
}

/// "ValueError: what it said"; a tool's own text (see `_ToolError`) as it is.
std::string text_of(const py::error_already_set& raised) {
  const std::string said = py::str(raised.value());
  if (py::hasattr(raised.type(), "says_it_all")) return said;
  return py::str(raised.type().attr("__name__")).cast<std::string>() + ": " + said;
}

error error_from(const py::error_already_set& raised, const std::string& name) {
  error e = core_error(text_of(raised));
  e.operation = name;
  return e;
}

expected<json_value> call(PyObject* function, const std::string& name,
                          const json_value& arguments) {
  const gil_guard gil;
  try {
    const py::object given = arguments_to_python(arguments);
    const auto result =
        py::reinterpret_steal<py::object>(call_from_foreign_thread(function, given.ptr()));
    if (!result) throw py::error_already_set();
    return result_from_python(result, current_callable_call().recorded);
  } catch (const py::error_already_set& raised) {
    return fail(error_from(raised, name));
  }
}

}  // namespace

std::shared_ptr<PyObject> shared_reference(py::object object) {
  release_dropped_references();
  return {object.release().ptr(), drop};
}

// Should the interpreter end while the callable sleeps, Python ends this thread by unwinding it,
// which must reach neither a destructor that needs the GIL nor the thread's noexcept frames.
PyObject* call_from_foreign_thread(PyObject* function, PyObject* argument) {
  try {
    return PyObject_CallOneArg(function, argument);
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
}

callable make_callable(std::string name, py::object function, milliseconds timeout) {
  const auto kept = shared_reference(std::move(function));
  callable made;
  made.name = name;
  made.timeout = timeout;
  made.call = [kept, name = std::move(name)](const json_value& arguments) {
    return call(kept.get(), name, arguments);
  };
  return made;
}

void forget_parents_references() noexcept {
  dropped_references::instance() = new dropped_references;
}

void release_dropped_references() {
  auto& dropped = *dropped_references::instance();
  std::vector<PyObject*> objects;
  {
    const std::lock_guard guard(dropped.mutex);
    objects.swap(dropped.objects);
  }
  for (PyObject* object : objects) Py_DECREF(object);
}

}  // namespace graphbit::python
