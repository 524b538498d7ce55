#include "compress.hpp"

#include <string_view>
#include <utility>

#include <zlib.h>

namespace graphbit::sim {

namespace {

/// One gzip stream that grows piece by piece.
class gzip_writer {
 public:
  gzip_writer() {
    constexpr int gzip_window = 15 + 16;
    deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY);
  }
  ~gzip_writer() { deflateEnd(&stream_); }
  gzip_writer(const gzip_writer&) = delete;
  gzip_writer& operator=(const gzip_writer&) = delete;

  void write(std::string_view bytes, int flush, std::string& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      char part[16 * 1024];
      stream_.next_out = reinterpret_cast<Bytef*>(part);
      stream_.avail_out = sizeof part;
      deflate(&stream_, flush);
      out.append(part, sizeof part - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
};

}  // namespace

void compress(reply& r) {
  gzip_writer gzip;
  frames packed;
  const std::string_view all = r.body.bytes;
  std::size_t from = 0;
  for (const auto end : r.body.ends) {
    const bool last = end == r.body.ends.back();
    gzip.write(all.substr(from, end - from), last ? Z_FINISH : Z_SYNC_FLUSH, packed.bytes);
    packed.end_frame();
    from = end;
  }
  if (r.body.ends.empty()) gzip.write(all, Z_FINISH, packed.bytes);
  r.body = std::move(packed);
  r.headers.append("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
}

}  // namespace graphbit::sim
