// The end of each example's main(): `catch (...) { return tell_failure("NAME"); }`.
#pragma once

#include <cstdio>
#include <exception>

#include <graphbit/runtime/error.hpp>

// Says on stderr what is being handled; the exit code that goes with it.
inline int tell_failure(const char* program) {
  try {
    throw;
  } catch (const tl::bad_expected_access<graphbit::error>& e) {
    std::fprintf(stderr, "%s: %s\n", program, describe(e.error()).c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", program, e.what());
  }
  return 1;
}
