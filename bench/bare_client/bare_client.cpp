// The limit: what a keep-alive HTTP client costs when it does nothing but that. One thread, epoll,
// one send and one receive per small answer, no library, no error handling beyond giving up.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "bench_job.hpp"

namespace graphbit::bench {
namespace {

[[noreturn]] void give_up(const char* what) {
  std::cerr << "bench_bare_client: " << what << '\n';
  std::exit(1);
}

/// Finds the end of one answer in what comes, and keeps the body as a caller would want it.
class answer {
 public:
  void start() {
    head_.clear();
    body_.clear();
    in_head_ = true;
  }
  /// True when the answer is complete.
  bool take(std::string_view bytes, bool stream, std::size_t& events) {
    if (in_head_) {
      head_.append(bytes);
      const auto end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      in_head_ = false;
      if (!std::string_view(head_).starts_with("HTTP/1.1 200")) give_up("not a 200");
      const auto length = head_.find("ontent-Length: ");
      chunked_ = length == std::string::npos || length > end;
      if (!chunked_)
        body_.reserve(length_ = std::strtoul(head_.c_str() + length + 15, nullptr, 10));
      bytes = std::string_view(head_).substr(end + 4);
    }
    if (stream) events += count_events(bytes);
    if (chunked_) return bytes.ends_with("0\r\n\r\n");
    body_.append(bytes);
    return body_.size() == length_;
  }

 private:
  std::string head_, body_;
  std::size_t length_ = 0;
  bool in_head_ = true, chunked_ = false;
};

struct lane {
  int fd = -1;
  std::size_t sent = 0;
  double started_ms = 0;
  bool first_seen = false;
  answer reply;
};

class bare_client {
 public:
  explicit bare_client(bench_job& job) : job_(job), lanes_(job.lanes()), buffer_(256 * 1024) {
    const auto body = job.body();
    request_ = "POST /v1/chat/completions HTTP/1.1\r\nHost: " + job.host + ':' +
               std::to_string(job.port) +
               "\r\nAuthorization: Bearer bench-key-0123456789abcdef\r\nContent-Type: "
               "application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    epoll_ = ::epoll_create1(0);
    for (auto& l : lanes_) connect(l);
  }

  /// `count` requests; the items (requests, or events of streams) that they gave.
  std::size_t run(std::size_t count) {
    left_ = count;
    open_ = events_ = 0;
    for (auto& l : lanes_)
      if (left_ > 0) ask(l);
    std::array<epoll_event, 256> ready;
    while (open_ > 0) {
      const int n = ::epoll_wait(epoll_, ready.data(), ready.size(), -1);
      for (int i = 0; i < n; ++i) serve(lanes_[ready[static_cast<std::size_t>(i)].data.u64]);
    }
    return job_.scenario == "stream" ? events_ : count;
  }

 private:
  void connect(lane& l) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(job_.port);
    if (::inet_pton(AF_INET, job_.host.c_str(), &to.sin_addr) != 1) give_up("give a numeric host");
    l.fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(l.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      give_up("cannot connect");
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = static_cast<std::uint64_t>(&l - lanes_.data());
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, l.fd, &event);
  }

  void ask(lane& l) {
    --left_;
    ++open_;
    l.sent = 0;
    l.first_seen = false;
    l.reply.start();
    if (job_.scenario == "sync" || job_.scenario == "first_chunk") l.started_ms = now_ms();
    write(l);
  }

  void write(lane& l) {
    while (l.sent < request_.size()) {
      const auto n = ::send(l.fd, request_.data() + l.sent, request_.size() - l.sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) return;
      l.sent += static_cast<std::size_t>(n);
    }
  }

  void serve(lane& l) {
    if (l.sent < request_.size()) write(l);
    while (true) {
      const auto n = ::recv(l.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (n < 0) return;
      if (n == 0) give_up("the server closed the connection");
      const auto events_before = events_;
      const bool done =
          l.reply.take({buffer_.data(), static_cast<std::size_t>(n)}, job_.streams(), events_);
      if (job_.scenario == "first_chunk" && !l.first_seen && events_ > events_before) {
        l.first_seen = true;
        job_.samples_ms.push_back(now_ms() - l.started_ms);
      }
      if (done) {
        if (job_.scenario == "sync") job_.samples_ms.push_back(now_ms() - l.started_ms);
        --open_;
        if (left_ > 0) ask(l);
      }
      if (static_cast<std::size_t>(n) < buffer_.size()) return;
    }
  }

  bench_job& job_;
  std::vector<lane> lanes_;
  std::vector<char> buffer_;
  std::string request_;
  int epoll_ = -1;
  std::size_t left_ = 0, open_ = 0, events_ = 0;
};

}  // namespace
}  // namespace graphbit::bench

int main(int argc, char** argv) {
  using namespace graphbit::bench;
  bench_job job(argc, argv, {"sync", "batch", "stream", "first_chunk", "mib"});
  if (job.tls) give_up("the limit is plain");
  bare_client client(job);
  client.run(std::max<std::size_t>(job.lanes(), job.requests() / 10));
  job.samples_ms.clear();
  job.begin();
  job.end(client.run(job.requests()));
  job.print("bare C++ client");
}
