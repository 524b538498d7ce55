#include "loop_bridge.hpp"

#include "import_once.hpp"

namespace graphbit::python {

namespace {

/// By loop; an entry lives as long as its bridge. Guarded by the GIL.
std::unordered_map<PyObject*, loop_bridge*>& bridges() {
  static auto* const by_loop = new std::unordered_map<PyObject*, loop_bridge*>;
  return *by_loop;
}

void settle(const py::object& future, outcome& result) {
  if (future.attr("done")().cast<bool>()) return;
  try {
    future.attr("set_result")(result.value());
  } catch (py::error_already_set& e) {
    future.attr("set_exception")(e.value());
  }
}

}  // namespace

loop_bridge& loop_bridge::running() {
  static import_once get_running_loop("asyncio", "get_running_loop");
  const py::object loop = get_running_loop.get()();
  if (const auto found = bridges().find(loop.ptr()); found != bridges().end())
    return *found->second;
  static import_once attach("graphbit._asyncio", "attach");
  const py::object owner = py::cast(new loop_bridge, py::return_value_policy::take_ownership);
  auto& bridge = owner.cast<loop_bridge&>();
  attach.get()(loop, bridge.queue_->fd(), owner);
  bridge.loop_ = loop.ptr();
  bridges().emplace(bridge.loop_, &bridge);
  return bridge;
}

loop_bridge::loop_bridge() = default;

loop_bridge::~loop_bridge() {
  bridges().erase(loop_);
  abandon();
}

loop_bridge::operation loop_bridge::begin() {
  static import_once future_type("graphbit._asyncio", "OperationFuture");
  static PyObject* const loop_keyword = PyTuple_Pack(1, PyUnicode_InternFromString("loop"));
  static PyObject* const id_name = PyUnicode_InternFromString("_operation_id");

  static std::uint64_t last_id = 0;  // of all loops, so that a stale id never meets a new bridge

  const std::uint64_t id = ++last_id;
  auto future = py::reinterpret_steal<py::object>(
      PyObject_Vectorcall(future_type.get().ptr(), &loop_, 0, loop_keyword));
  if (!future) throw py::error_already_set();
  if (PyObject_SetAttr(future.ptr(), id_name, py::int_(id).ptr()) != 0)
    throw py::error_already_set();
  pending_.emplace(id, entry{future, {}});
  return {std::move(future), {queue_, id}};
}

void loop_bridge::on_cancel(std::uint64_t id, std::function<void()> cancel) {
  if (const auto found = pending_.find(id); found != pending_.end())
    found->second.cancel = std::move(cancel);
}

void loop_bridge::cancel(py::handle loop, std::uint64_t id) {
  const auto owner = bridges().find(loop.ptr());
  if (owner == bridges().end()) return;  // the loop was closed, which has cancelled it
  auto& pending = owner->second->pending_;
  const auto found = pending.find(id);
  if (found == pending.end()) return;
  const entry ended = std::move(found->second);
  pending.erase(found);
  if (ended.cancel) ended.cancel();
}

void loop_bridge::drain() {
  queue_->take(taken_);
  auto taken = std::move(taken_);
  for (completion& done : taken) {
    const auto found = pending_.find(done.id);
    if (found == pending_.end()) continue;  // cancelled meanwhile
    const entry ended = std::move(found->second);
    pending_.erase(found);
    settle(ended.future, *done.result);
  }
  taken.clear();
  taken_ = std::move(taken);  // keeps its memory
}

void loop_bridge::abandon() {
  const auto ended = std::exchange(pending_, {});
  for (const auto& [id, e] : ended)
    if (e.cancel) e.cancel();
}

int loop_bridge::visit(visitproc visit, void* arg) const {
  for (const auto& [id, e] : pending_) Py_VISIT(e.future.ptr());
  return 0;
}

void loop_bridge::forget_all() noexcept { bridges().clear(); }

namespace {

extern "C" int traverse_bridge(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  const auto instance = py::handle(self);
  if (!py::detail::is_holder_constructed(self)) return 0;
  return instance.cast<loop_bridge&>().visit(visit, arg);
}

extern "C" int clear_bridge(PyObject* self) {
  if (py::detail::is_holder_constructed(self)) py::handle(self).cast<loop_bridge&>().abandon();
  return 0;
}

void collectable(PyHeapTypeObject* type) {
  type->ht_type.tp_flags |= Py_TPFLAGS_HAVE_GC;
  type->ht_type.tp_traverse = traverse_bridge;
  type->ht_type.tp_clear = clear_bridge;
}

}  // namespace

void bind_loop_bridge(py::module_& module) {
  py::class_<loop_bridge>(module, "LoopBridge", py::custom_type_setup(collectable))
      .def("__call__", &loop_bridge::drain);
  module.def("cancel_operation", &loop_bridge::cancel);
}

}  // namespace graphbit::python
