#include "cluster_table.hpp"

#include <algorithm>
#include <cstdio>

namespace graphbit::app {

namespace {

[[nodiscard]] std::uint64_t number(const json_value& status, const char* name) {
  const auto* found = status.find(name);
  return found != nullptr && found->is_number() ? static_cast<std::uint64_t>(found->as_double())
                                                : 0;
}

[[nodiscard]] double rate_of(const member_rates& rates, const std::string& name) {
  const auto found = rates.find(name);
  return found == rates.end() ? 0 : found->second;
}

[[nodiscard]] std::string uptime_of(const json_value& status) {
  const auto s = number(status, "uptime_s");
  char text[32];
  if (s >= 86400)
    std::snprintf(text, sizeof text, "%llud%lluh", static_cast<unsigned long long>(s / 86400),
                  static_cast<unsigned long long>(s % 86400 / 3600));
  else
    std::snprintf(
        text, sizeof text, "%llu:%02llu:%02llu", static_cast<unsigned long long>(s / 3600),
        static_cast<unsigned long long>(s / 60 % 60), static_cast<unsigned long long>(s % 60));
  return text;
}

}  // namespace

json_value cluster_json(const std::vector<cluster::observed_member>& members,
                        const member_rates& rates) {
  json_value out;
  json_value::array list;
  std::uint64_t reachable = 0;
  std::map<std::string, std::uint64_t> sums{
      {"slots", 0}, {"in_flight", 0}, {"queued", 0}, {"done", 0}};
  for (const auto& m : members) {
    json_value one = m.status;
    if (m.status.is_null()) {
      one.set("name", m.record.name);
      one.set("address", m.record.address);
      one.set("state", "unreachable");
    } else {
      ++reachable;
      for (auto& [name, sum] : sums) sum += number(m.status, name.c_str());
      one.set("rate_per_s", rate_of(rates, m.record.name));
    }
    one.set("restarts", std::uint64_t{m.restarts});
    list.push_back(std::move(one));
  }
  out.set("members", std::move(list));
  out.set("reachable", reachable);
  for (const auto& [name, sum] : sums) out.set(name, sum);
  return out;
}

std::string cluster_table(const std::vector<cluster::observed_member>& members,
                          const member_rates& rates) {
  std::size_t width = 6;
  for (const auto& m : members)
    width = std::max(width, std::min<std::size_t>(m.record.name.size(), 32));
  const int w = static_cast<int>(width);
  char line[256];
  std::snprintf(line, sizeof line, "%-*s  %-11s %9s %6s %10s %8s %6s %10s %8s  %s\n", w, "member",
                "state", "in flight", "queue", "done", "per s", "owners", "up", "restarts",
                "address");
  std::string out = line;
  for (const auto& m : members) {
    const auto& s = m.status;
    if (s.is_null()) {
      std::snprintf(line, sizeof line, "%-*.32s  %-11s %70s%s\n", w, m.record.name.c_str(),
                    "unreachable", "", m.record.address.c_str());
    } else {
      const auto busy =
          std::to_string(number(s, "in_flight")) + "/" + std::to_string(number(s, "slots"));
      std::snprintf(line, sizeof line, "%-*.32s  %-11s %9s %6llu %10llu %8.0f %6llu %10s %8u  %s\n",
                    w, m.record.name.c_str(), s.string_or("state").c_str(), busy.c_str(),
                    static_cast<unsigned long long>(number(s, "queued")),
                    static_cast<unsigned long long>(number(s, "done")),
                    rate_of(rates, m.record.name),
                    static_cast<unsigned long long>(number(s, "owners")), uptime_of(s).c_str(),
                    m.restarts, m.record.address.c_str());
    }
    out += line;
  }
  return out;
}

}  // namespace graphbit::app
