#include "told_progress.hpp"

#include <optional>
#include <utility>

#include "gil.hpp"
#include "signal_check.hpp"

namespace graphbit::python {

void told_progress::count(run_options& options, const workflow* flow) const {
  if (!progress_.is_none()) options.on_event = counter(flow, counts_);
}

bool told_progress::interrupted() const {
  return signal_raised() || (!progress_.is_none() && !tell());
}

void told_progress::finish() const {
  if (!progress_.is_none()) progress_(counts_->ended.load(), counts_->failed.load());
}

bool told_progress::tell() const {
  if (!try_enter_python()) return false;
  const PyGILState_STATE state = PyGILState_Ensure();
  entered_python();
  const auto [ended, failed] = counts_->counts();
  const auto told =
      PyObject_CallFunction(progress_.ptr(), "KK", static_cast<unsigned long long>(ended),
                            static_cast<unsigned long long>(failed));
  Py_XDECREF(told);
  PyGILState_Release(state);
  return told != nullptr;
}

std::function<void(const run_event&)> counter(const workflow* flow,
                                              std::shared_ptr<node_counts> counts) {
  std::optional<workflow> own;
  if (flow != nullptr) own = *flow;
  return [counts = std::move(counts), own = std::move(own)](const run_event& event) {
    if (!own || own->find(event.node_id) != workflow::npos) counts->heard(event.kind);
  };
}

}  // namespace graphbit::python
