#include "src/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include <graphbit/runtime/metrics.hpp>
#include <graphbit/runtime/open_files.hpp>

namespace graphbit {

namespace {

double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// Seconds since 1970; 0 where the system does not say.
double started_at() {
  std::ifstream stat("/proc/self/stat"), machine("/proc/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto name_end = text.rfind(')');  // the name may hold spaces
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i) continue;
  double booted = 0;
  for (std::string word; machine >> word;)
    if (word == "btime") machine >> booted;
  return booted == 0 ? 0 : booted + std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

void collect_process_metrics(metrics_page& page) {
  static const double start = started_at();
  page.counter("process_cpu_seconds_total", "CPU time used by the process, in seconds.", {},
               cpu_seconds());
  page.gauge("process_open_fds", "File descriptors that the process has open.", {},
             static_cast<double>(open_files()));
  page.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", {},
             start);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0)
    page.gauge("process_max_fds", "File descriptors that the process may open.", {},
               static_cast<double>(files.rlim_cur));
  std::ifstream memory("/proc/self/statm");
  double total_pages = 0, resident_pages = 0;
  if (!(memory >> total_pages >> resident_pages)) return;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  page.gauge("process_virtual_memory_bytes", "Address space of the process, in bytes.", {},
             total_pages * page_bytes);
  page.gauge("process_resident_memory_bytes", "Memory of the process, in bytes.", {},
             resident_pages * page_bytes);
}

}  // namespace graphbit
