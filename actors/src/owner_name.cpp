#include "src/owner_name.hpp"

#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include <graphbit/runtime/random.hpp>

namespace graphbit {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Process ids mean the same only within one boot and one process namespace.
std::string machine() {
  std::array<char, 64> name{}, space{};
  static_cast<void>(gethostname(name.data(), name.size() - 1));
  const auto length = readlink("/proc/self/ns/pid", space.data(), space.size() - 1);
  const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
  std::string host = name.data();
  for (char& c : host)
    if (c == '/') c = '_';
  return host + "/" + boot.substr(0, 8) +
         std::string(space.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
}

/// When a process began, in ticks since the boot (field 22 of /proc/PID/stat); nothing: there is
/// none.
std::optional<std::string> start_of(const std::string& pid) {
  const std::string stat = first_line("/proc/" + pid + "/stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) {
    if (!(fields >> field)) return std::nullopt;
    if (number == 3 && (field == "Z" || field == "X"))
      return std::nullopt;  // ended, not yet reaped
  }
  return field;
}

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

}  // namespace

std::string make_owner_name() {
  const std::string pid = std::to_string(getpid());
  return machine() + "/" + pid + "/" + start_of(pid).value_or("0") + "/" + make_uuid().substr(0, 8);
}

bool owner_is_gone(std::string_view owner) {
  const auto parts = parts_of(owner);
  if (parts.size() != 5 || parts[0] + "/" + parts[1] != machine()) return false;
  if (parts[2].empty() || parts[2].find_first_not_of("0123456789") != std::string::npos)
    return false;
  return start_of(parts[2]) != std::optional(parts[3]);
}

}  // namespace graphbit
