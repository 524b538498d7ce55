#pragma once

#include <pybind11/pybind11.h>

namespace graphbit::python {

/// An attribute of a Python module, imported when first asked for and kept for the process's life.
/// Meant for function-local statics. Needs the GIL; its destructor touches nothing.
class import_once {
 public:
  constexpr import_once(const char* module, const char* name) noexcept
      : module_(module), name_(name) {}

  [[nodiscard]] pybind11::handle get() {
    if (!object_) {
      pybind11::object found = pybind11::module_::import(module_).attr(name_);
      object_ = found.release();
    }
    return object_;
  }

 private:
  const char* module_;
  const char* name_;
  pybind11::handle object_;  // never released: the interpreter may be gone before statics are
};

}  // namespace graphbit::python
