// graphbit doctor: what this machine and this build are, for bug reports and for a first look.
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <openssl/crypto.h>
#include <rapidjson/rapidjson.h>
#include <boost/version.hpp>

#include <graphbit/runtime/caf.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "allocator.hpp"
#include "command.hpp"

namespace graphbit::app {

namespace {

using fact = std::pair<std::string, std::string>;

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::string system_name() {
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("PRETTY_NAME=\"", 0) == 0) return line.substr(13, line.size() - 14);
  return "unknown";
}

std::string kernel() {
  utsname name{};
  return uname(&name) == 0 ? std::string(name.release) + " " + name.machine : "unknown";
}

std::string memory() {
  struct sysinfo info {};
  if (sysinfo(&info) != 0) return "unknown";
  const auto mib = [&](unsigned long units) { return units * info.mem_unit / (1024 * 1024); };
  return std::to_string(mib(info.totalram)) + " MiB, " + std::to_string(mib(info.freeram)) +
         " MiB free";
}

std::string file_limit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return "unknown";
  return std::to_string(files.rlim_cur) + " (can be raised to " + std::to_string(files.rlim_max) +
         ")";
}

std::vector<fact> facts() {
  return {
      {"graphbit", GRAPHBIT_VERSION " (" GRAPHBIT_BUILD ")"},
      {"system", system_name()},
      {"kernel", kernel()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"memory", memory()},
      {"open files", file_limit()},
      {"allocator", allocator_name()},
      {"compiler", __VERSION__},
      {"CAF", dotted(CAF_VERSION / 10000, CAF_VERSION / 100 % 100, CAF_VERSION % 100)},
      {"Boost", dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
      {"RapidJSON", RAPIDJSON_VERSION_STRING},
      {"TLS", OpenSSL_version(OPENSSL_VERSION)},
  };
}

int run_doctor(bool as_json) {
  if (as_json) {
    json_value all(json_value::object{});
    for (const auto& [name, value] : facts()) all.set(name, value);
    std::printf("%s\n", to_json_pretty(all).c_str());
    return done;
  }
  for (const auto& [name, value] : facts()) std::printf("%-12s%s\n", name.c_str(), value.c_str());
  return done;
}

const command registered{"doctor", "say what this machine and this build are", [](CLI::App& app) {
                           auto as_json = std::make_shared<bool>(false);
                           app.add_flag("--json", *as_json, "as a JSON object");
                           return [as_json] { return run_doctor(*as_json); };
                         }};

}  // namespace

}  // namespace graphbit::app
