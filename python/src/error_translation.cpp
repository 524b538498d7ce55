#include "error_translation.hpp"

#include <string>

#include "import_once.hpp"
#include "text_or_none.hpp"

namespace graphbit::python {

namespace {

py::dict fields_of(const error& e) {
  py::dict fields;
  fields["field"] = text_or_none(e.field);
  fields["value"] = text_or_none(e.value);
  fields["operation"] = text_or_none(e.operation);
  fields["provider"] = text_or_none(e.provider);
  fields["resource_type"] = text_or_none(e.resource_type);
  fields["request_id"] = text_or_none(e.request_id);
  fields["partial_text"] = text_or_none(e.partial_text);
  fields["status"] = e.status == 0 ? py::object(py::none()) : py::object(py::int_(e.status));
  fields["attempts"] = e.attempts;
  fields["retry_count"] = e.attempts == 0 ? 0 : e.attempts - 1;
  fields["retry_after"] = e.retry_after ? py::object(py::float_(e.retry_after->count() / 1000.0))
                                        : py::object(py::none());
  fields["duration_ms"] = e.duration.count();
  return fields;
}

}  // namespace

py::object exception_from(const error& e) {
  static import_once make("graphbit.errors", "_from_native");
  return make.get()(py::str(std::string(to_string(e.kind))), describe(e), fields_of(e));
}

void raise(const error& e) {
  const py::object exception = exception_from(e);
  PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
  throw py::error_already_set();
}

}  // namespace graphbit::python
