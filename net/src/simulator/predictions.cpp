#include "predictions.hpp"

#include <utility>

namespace graphbit::sim {

prediction& prediction_store::add(prediction p) {
  if (order_.size() >= kept_max) {
    by_id_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(p.id);
  return by_id_[order_.back()] = std::move(p);
}

prediction* prediction_store::find(std::string_view id) {
  const auto at = by_id_.find(std::string(id));
  return at == by_id_.end() ? nullptr : &at->second;
}

}  // namespace graphbit::sim
