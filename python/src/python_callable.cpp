#include "python_callable.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <vector>

#include "gil.hpp"
#include "json_conversion.hpp"

namespace graphbit::python {

namespace {

/// References whose last owner let go on a thread without the GIL, such as a reactor.
struct dropped_references {
  std::mutex mutex;
  std::vector<PyObject*> objects;

  static dropped_references& instance() {
    static auto* const only = new dropped_references;
    return *only;
  }
};

int release_from_pending_call(void*) {
  release_dropped_references();
  return 0;
}

void drop(PyObject* object) {
  if (interpreter_is_exiting()) return;  // nobody will ask for the memory
  auto& dropped = dropped_references::instance();
  bool first = false;
  {
    const std::lock_guard guard(dropped.mutex);
    first = dropped.objects.empty();
    dropped.objects.push_back(object);
  }
  // Has the main thread do it soon; should its queue be full, our next call does.
  if (first) Py_AddPendingCall(release_from_pending_call, nullptr);
}

/// Calls without C++ objects on the stack that need the GIL: should the interpreter end while the
/// callable sleeps, Python ends this thread by unwinding it, which must not reach a destructor.
PyObject* call_or_sleep_for_ever(PyObject* function, PyObject* argument) {
  try {
    return PyObject_CallOneArg(function, argument);
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
}

error error_from_exception(const std::string& name) {
  const py::error_already_set raised;  // fetches and clears
  error e =
      core_error(py::str(py::type::handle_of(raised.value()).attr("__name__")).cast<std::string>() +
                 ": " + py::str(raised.value()).cast<std::string>());
  e.operation = name;
  return e;
}

expected<json_value> call(PyObject* function, const std::string& name,
                          const json_value& arguments) {
  const gil_guard gil;
  try {
    const py::object given = python_from_json(arguments);
    const auto result =
        py::reinterpret_steal<py::object>(call_or_sleep_for_ever(function, given.ptr()));
    if (!result) return fail(error_from_exception(name));
    return json_from_python(result);
  } catch (py::error_already_set& e) {
    e.restore();
    return fail(error_from_exception(name));
  }
}

}  // namespace

callable make_callable(std::string name, py::object function, milliseconds timeout) {
  release_dropped_references();
  const std::shared_ptr<PyObject> kept(function.release().ptr(), drop);
  callable made;
  made.name = name;
  made.timeout = timeout;
  made.call = [kept, name = std::move(name)](const json_value& arguments) {
    return call(kept.get(), name, arguments);
  };
  return made;
}

void release_dropped_references() {
  auto& dropped = dropped_references::instance();
  std::vector<PyObject*> objects;
  {
    const std::lock_guard guard(dropped.mutex);
    objects.swap(dropped.objects);
  }
  for (PyObject* object : objects) Py_DECREF(object);
}

}  // namespace graphbit::python
