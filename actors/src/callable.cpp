#include "src/callable_scope.hpp"

#include <utility>

namespace graphbit {

namespace {

thread_local callable_call current;

}  // namespace

const callable_call& current_callable_call() noexcept { return current; }

callable_scope::callable_scope(callable_call call)
    : before_(std::exchange(current, std::move(call))) {}

callable_scope::~callable_scope() { current = std::move(before_); }

}  // namespace graphbit
