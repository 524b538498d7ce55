#include "store_place.hpp"

#include <gtest/gtest.h>

#include <graphbit/cluster/open_run_store.hpp>

namespace graphbit {

namespace {

class memory_place final : public store_place {
 public:
  std::shared_ptr<run_store> open() override { return store_; }

 private:
  std::shared_ptr<run_store> store_ = *open_run_store(":memory:");
};

}  // namespace

std::vector<store_kind> store_kinds() {
  const auto here = [] { return std::string(); };
  return {{"memory", here, [] { return std::make_unique<memory_place>(); }}};
}

}  // namespace graphbit
