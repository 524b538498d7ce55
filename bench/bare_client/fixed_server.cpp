// A server that answers every request with the same bytes: with next to no work of its own, so that
// what is measured is the client. Usage: bench_fixed_server [--reply-bytes N] [--chunk-count N]

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

std::string plain_reply(std::size_t bytes) {
  const std::string body =
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini",)"
      R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
      std::string(bytes, 'a') +
      R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":20,)"
      R"("total_tokens":29}})";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_0123456789\r\n"
         "openai-processing-ms: 1\r\nx-ratelimit-limit-requests: 900000000\r\n"
         "Date: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunk_of(const std::string& data) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
  return size.data() + data + "\r\n";
}

std::string streamed_reply(std::size_t chunks) {
  std::string all =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t i = 0; i < chunks; ++i)
    all += chunk_of(R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[)"
                    R"({"index":0,"delta":{"content":"word "},"finish_reason":null}]})"
                    "\n\n");
  return all + chunk_of("data: [DONE]\n\n") + "0\r\n\r\n";
}

struct connection {
  std::string input;
  std::string_view unsent;
};

class fixed_server {
 public:
  fixed_server(std::size_t reply_bytes, std::size_t chunks)
      : plain_(plain_reply(reply_bytes)), streamed_(streamed_reply(chunks)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(listener_, 4096) != 0)
      std::exit(1);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    std::printf("listening on http://127.0.0.1:%d\n", ntohs(at.sin_port));
    std::fflush(stdout);
    watch(listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> ready;
    while (true) {
      const int n = ::epoll_wait(epoll_, ready.data(), ready.size(), -1);
      for (int i = 0; i < n; ++i) {
        const int fd = ready[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_)
          accept();
        else
          serve(fd);
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  void accept() {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
      connections_[fd];
    }
  }
  void serve(int fd) {
    auto& c = connections_[fd];
    write(fd, c);
    while (true) {
      const auto got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
      if (got == 0) {
        connections_.erase(fd);
        ::close(fd);
        return;
      }
      if (got < 0) return;
      c.input.append(buffer_.data(), static_cast<std::size_t>(got));
      answer(fd, c);
      if (static_cast<std::size_t>(got) < buffer_.size()) return;
    }
  }
  void answer(int fd, connection& c) {
    const auto head = c.input.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const auto length = c.input.find("Content-Length: ");
    const auto body = length < head ? std::strtoul(c.input.c_str() + length + 16, nullptr, 10) : 0;
    if (c.input.size() < head + 4 + body) return;
    const bool stream = c.input.find("\"stream\":true", head) != std::string::npos;
    c.input.clear();
    c.unsent = stream ? streamed_ : plain_;
    write(fd, c);
  }
  static void write(int fd, connection& c) {
    while (!c.unsent.empty()) {
      const auto sent = ::send(fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      c.unsent.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  const std::string plain_, streamed_;
  int listener_ = -1;
  int epoll_ = ::epoll_create1(0);
  std::unordered_map<int, connection> connections_;
  std::array<char, 256 * 1024> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t reply_bytes = 200, chunks = 500;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--reply-bytes") reply_bytes = std::strtoul(argv[i + 1], nullptr, 10);
    if (name == "--chunk-count") chunks = std::strtoul(argv[i + 1], nullptr, 10);
  }
  static fixed_server server(reply_bytes, chunks);
  server.run();
}
