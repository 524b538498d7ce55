#include "postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <vector>

namespace graphbit {

namespace {

using namespace std::chrono_literals;

/// The user that the server runs as: PostgreSQL refuses to run as root.
[[nodiscard]] const passwd* server_user() {
  return ::geteuid() == 0 ? ::getpwnam("postgres") : ::getpwuid(::geteuid());
}

[[nodiscard]] std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(s);
  return ntohs(address.sin_port);
}

/// Starts a program as the server's user; it dies with this process.
[[nodiscard]] pid_t start_as_server_user(const std::vector<std::string>& words,
                                         const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto* user = server_user();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // PostgreSQL's word for an immediate shutdown
  static_cast<void>(::chdir("/"));
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

[[nodiscard]] int wait_for_end(pid_t pid) {
  int status = -1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::filesystem::path postgres_server::programs() {
  std::vector<std::filesystem::path> found;
  std::error_code none;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none))
    if (std::filesystem::exists(version.path() / "bin" / "initdb"))
      found.push_back(version.path() / "bin");
  return found.empty() ? std::filesystem::path() : *std::max_element(found.begin(), found.end());
}

postgres_server* postgres_server::shared() {
  static const auto server = start();
  return server.get();
}

std::unique_ptr<postgres_server> postgres_server::start(disk how) {
  std::unique_ptr<postgres_server> server(new postgres_server);
  server->disk_ = how;
  auto name = (std::filesystem::temp_directory_path() / "graphbit-pg-XXXXXX").string();
  server->folder_ = mkdtemp(name.data());
  if (!server->make_cluster()) return nullptr;
  // Another process may take the port between the look and the start.
  for (int tries = 0; tries < 5; ++tries) {
    server->port_ = free_port();
    if (server->boot()) return server;
  }
  return nullptr;
}

postgres_server::~postgres_server() {
  crash();
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
}

bool postgres_server::make_cluster() {
  const auto* user = server_user();
  if (user == nullptr) return false;
  if (::geteuid() == 0 && ::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) return false;
  return wait_for_end(start_as_server_user(
             {programs() / "initdb", "--pgdata=" + (folder_ / "data").string(), "--no-sync",
              "--auth=trust", "--username=tests", "--encoding=UTF8", "--locale=C.UTF-8"},
             folder_ / "log")) == 0;
}

bool postgres_server::boot() {
  std::vector<std::string> words{programs() / "postgres", "-D", folder_ / "data", "-k", folder_};
  for (const std::string setting :
       {"listen_addresses=127.0.0.1", disk_ == disk::ignored ? "fsync=off" : "fsync=on",
        "shared_buffers=16MB", "max_connections=60", "autovacuum=off", "logging_collector=off"}) {
    words.emplace_back("-c");
    words.push_back(setting);
  }
  words.insert(words.end(), {"-p", std::to_string(port_)});
  pid_ = start_as_server_user(words, folder_ / "log");
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < until) {
    if (PQping(url("postgres").c_str()) == PQPING_OK) return true;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

double postgres_server::cpu_seconds() const {
  std::uint64_t ticks = 0;
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stat(process.path() / "stat");
    std::string line;
    if (!std::getline(stat, line)) continue;
    // After the program's name in brackets: state, parent, ..., user and system time.
    std::istringstream rest(line.substr(line.rfind(')') + 2));
    std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
    const bool is_ours = fields.size() > 12 && std::stoi(fields[1]) == pid_;
    if (is_ours) ticks += std::stoull(fields[11]) + std::stoull(fields[12]);
  }
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void postgres_server::crash() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGQUIT);
  static_cast<void>(wait_for_end(pid_));
  pid_ = -1;
}

void postgres_server::back_up() const {
  std::filesystem::copy(folder_ / "data", folder_ / "copy",
                        std::filesystem::copy_options::recursive);
}

void postgres_server::restore() const {
  // Over the old files one by one, so that owners and rights stay as the server wants them.
  const auto data = folder_ / "data", copy = folder_ / "copy";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(copy)) {
    const auto to = data / std::filesystem::relative(entry.path(), copy);
    if (entry.is_regular_file())
      std::filesystem::copy_file(entry.path(), to,
                                 std::filesystem::copy_options::overwrite_existing);
  }
}

std::string postgres_server::url(const std::string& database, std::uint16_t port) const {
  return "postgresql://tests:not-a-secret@127.0.0.1:" + std::to_string(port == 0 ? port_ : port) +
         "/" + database;
}

std::string postgres_server::make_database() {
  auto name = "d" + std::to_string(++databases_);
  run("postgres", "CREATE DATABASE " + name);
  return name;
}

std::string postgres_server::run(const std::string& database, const std::string& sql) const {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> link(PQconnectdb(url(database).c_str()),
                                                        PQfinish);
  PQsetNoticeProcessor(
      link.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(link.get(), sql.c_str()),
                                                              PQclear);
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

}  // namespace graphbit
