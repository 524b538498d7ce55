#include "libpq.hpp"

#include <dlfcn.h>

#include <mutex>
#include <optional>
#include <string>

namespace graphbit {

namespace {

[[nodiscard]] error missing(const char* why) {
  return configuration_error(
      "store",
      "a store in PostgreSQL needs its client library, libpq.so.5 of version 14 or later (" +
          std::string(why == nullptr ? "it is older" : why) +
          "): install it (Debian and Ubuntu: apt-get install libpq5; Fedora: dnf install libpq)");
}

[[nodiscard]] expected<libpq> look() {
  void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(missing(::dlerror()));
  const auto find = [library](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    return function != nullptr;
  };
  libpq found{};
  const bool whole =
      find(found.PQclear, "PQclear") && find(found.PQcmdStatus, "PQcmdStatus") &&
      find(found.PQcmdTuples, "PQcmdTuples") && find(found.PQconnectPoll, "PQconnectPoll") &&
      find(found.PQconnectStartParams, "PQconnectStartParams") &&
      find(found.PQconninfoFree, "PQconninfoFree") &&
      find(found.PQconninfoParse, "PQconninfoParse") &&
      find(found.PQconsumeInput, "PQconsumeInput") &&
      find(found.PQenterPipelineMode, "PQenterPipelineMode") &&
      find(found.PQerrorMessage, "PQerrorMessage") &&
      find(found.PQexitPipelineMode, "PQexitPipelineMode") && find(found.PQfinish, "PQfinish") &&
      find(found.PQflush, "PQflush") && find(found.PQfreemem, "PQfreemem") &&
      find(found.PQftype, "PQftype") && find(found.PQgetResult, "PQgetResult") &&
      find(found.PQgetisnull, "PQgetisnull") && find(found.PQgetlength, "PQgetlength") &&
      find(found.PQgetvalue, "PQgetvalue") && find(found.PQisBusy, "PQisBusy") &&
      find(found.PQnfields, "PQnfields") && find(found.PQnotifies, "PQnotifies") &&
      find(found.PQntuples, "PQntuples") && find(found.PQpipelineSync, "PQpipelineSync") &&
      find(found.PQresultErrorField, "PQresultErrorField") &&
      find(found.PQresultErrorMessage, "PQresultErrorMessage") &&
      find(found.PQresultStatus, "PQresultStatus") && find(found.PQsendPrepare, "PQsendPrepare") &&
      find(found.PQsendQuery, "PQsendQuery") &&
      find(found.PQsendQueryPrepared, "PQsendQueryPrepared") &&
      find(found.PQsetnonblocking, "PQsetnonblocking") && find(found.PQsocket, "PQsocket") &&
      find(found.PQstatus, "PQstatus");
  if (whole) return found;
  const auto why = missing(::dlerror());
  ::dlclose(library);
  return fail(why);
}

}  // namespace

expected<const libpq*> libpq::load() {
  static std::mutex mutex;
  static std::optional<libpq> loaded;
  const std::lock_guard guard(mutex);
  if (!loaded) {
    auto found = look();
    if (!found) return fail(found.error());
    loaded = *found;
  }
  return &*loaded;
}

}  // namespace graphbit
