#pragma once

#include <graphbit/actors/callable.hpp>

namespace graphbit {

/// Tells the callable on this thread which call it carries out, while this lives.
class callable_scope {
 public:
  explicit callable_scope(callable_call call);
  ~callable_scope();
  callable_scope(const callable_scope&) = delete;
  callable_scope& operator=(const callable_scope&) = delete;

 private:
  callable_call before_;
};

}  // namespace graphbit
