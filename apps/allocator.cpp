#include "allocator.hpp"

#include <cstddef>

#include <dlfcn.h>

namespace graphbit::app {

namespace {

void* find_mallctl() { return dlsym(RTLD_DEFAULT, "mallctl"); }

}  // namespace

std::string allocator_name() {
  using mallctl_function = int (*)(const char*, void*, std::size_t*, void*, std::size_t);
  const auto mallctl = reinterpret_cast<mallctl_function>(find_mallctl());
  const char* version = nullptr;
  std::size_t size = sizeof version;
  if (mallctl == nullptr || mallctl("version", &version, &size, nullptr, 0) != 0) return "system";
  const std::string text(version);
  return "jemalloc " + text.substr(0, text.find('-'));
}

std::string jemalloc_library() {
  Dl_info where{};
  void* symbol = find_mallctl();
  if (symbol == nullptr || dladdr(symbol, &where) == 0 || where.dli_fname == nullptr) return {};
  return where.dli_fname;
}

}  // namespace graphbit::app
