#include <zlib.h>

#include <net/http_client_fixture.hpp>
#include <src/base64.hpp>
#include <src/coding/content_decoder.hpp>

namespace graphbit::test {
namespace {

/// `text` as zlib codes it: window bits 31 for gzip, 15 for zlib's own format, -15 for raw.
std::string coded(std::string_view text, int window_bits) {
  z_stream z{};
  deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

// `text` as the reference encoders of brotli and zstd (one frame, and two in a row) code it, and
// 20,000,000 NUL bytes in brotli.
const std::string text_in_brotli =
    *decode_base64("GzUA+J0Hdix5Ojm5PVaCsNAVmVmd4RXaG0zkwKEtkMAOwG8StunoJS2B8Do940sdAQ==");
const std::string text_in_zstd =
    *decode_base64("KLUv/SA2HQEA6HRoZSBxdWljayBicm93biBmb3gsIGxhenkgZG9nAQBxmUw=");
const std::string text_in_two_frames = *decode_base64(
    "KLUv/SAJSQAAdGhlIHF1aWNrKLUv/SAtHQEA6CBicm93biBmb3gsIHRoZSBxdWlja2xhenkgZG9nAQARmUw=");
const std::string bomb_in_brotli =
    *decode_base64("y///P/gnAOKxQCD3/o///3/wTwDEYRGA7v1f/rPE4J8AiMMCAF2SGA==");

/// A zstd frame (RFC 8878, 3.1.1) that asks for a window of 2^`window_log` bytes and holds `blocks`
/// times 128 KiB of NUL bytes.
std::string zstd_frame(int window_log, int blocks) {
  std::string out("\x28\xb5\x2f\xfd\x00", 5);
  out += static_cast<char>((window_log - 10) << 3);
  for (int i = 1; i <= blocks; ++i) {
    const unsigned header =
        (131'072U << 3) | (1U << 1) | (i == blocks ? 1U : 0U);  // one byte, often
    for (const int shift : {0, 8, 16}) out += static_cast<char>(header >> shift);
    out += '\0';
  }
  return out;
}

expected<std::string> decoded(std::string_view coding, std::string_view bytes, std::size_t cut) {
  auto decoder = content_decoder::make(coding);
  if (!decoder) return fail(decoder.error());
  std::string out;
  for (auto piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    const std::string copy(piece);
    std::string_view input = copy;
    for (bool more = !input.empty(); more;) {
      const auto result = (*decoder)->decode(input, out, 7);
      if (!result) return fail(result.error());
      more = *result;
    }
  }
  if (auto whole = (*decoder)->finish(); !whole) return fail(whole.error());
  return out;
}

const std::string text = "the quick brown fox, the quick brown fox, the lazy dog";

TEST(content_decoder, reads_every_form_at_every_split) {
  const std::vector<std::pair<std::string, std::string>> forms{
      {"gzip", coded(text, 31)},
      {"X-GZip ", coded(text, 31)},
      {"deflate", coded(text, 15)},
      {"deflate", coded(text, -15)},
      {"gzip", coded(text.substr(0, 9), 31) + coded(text.substr(9), 31)},
      {"gzip", coded(text, 31) + std::string(8, '\0')},
      {"br", text_in_brotli},
      {"br", text_in_brotli + std::string(8, '\0')},
      {"zstd", text_in_zstd},
      {" ZStd", text_in_two_frames}};
  for (const auto& [coding, bytes] : forms)
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      const auto out = decoded(coding, bytes, cut);
      ASSERT_TRUE(out) << coding << " at " << cut << ": " << out.error().message;
      EXPECT_EQ(*out, text);
    }
}

TEST(content_decoder, refuses_corrupt_short_and_unknown_codings) {
  auto bytes = coded(text, 31);
  EXPECT_FALSE(decoded("gzip", bytes.substr(0, bytes.size() - 5), 3));
  bytes[bytes.size() / 2] ^= 0x55;
  EXPECT_FALSE(decoded("gzip", bytes, 3));
  EXPECT_FALSE(decoded("gzip", "plain text", 3));
  for (const auto& [coding, whole] : {std::pair{"br", text_in_brotli}, {"zstd", text_in_zstd}}) {
    EXPECT_EQ(decoded(coding, whole.substr(0, whole.size() - 5), 3).error().message,
              "the compressed answer was cut short");
    EXPECT_EQ(decoded(coding, "plain text, far from coded", 3).error().kind, error_kind::network);
  }
  EXPECT_EQ(content_decoder::make("compress").error().kind, error_kind::core);
  EXPECT_EQ(content_decoder::make("gzip, br").error().kind, error_kind::core);
  EXPECT_EQ(*content_decoder::make("identity"), nullptr);
}

TEST(content_decoder, takes_no_window_that_could_fill_the_memory) {
  ASSERT_EQ(decoded("zstd", zstd_frame(23, 1), 3)->size(), 131'072u);
  const auto greedy = decoded("zstd", zstd_frame(27, 1), 3);
  ASSERT_FALSE(greedy);
  EXPECT_EQ(greedy.error().kind, error_kind::network);
}

class http_client_coding_test : public http_client_test {};

std::string gzipped(std::string_view body) {
  return ok(coded(body, 31), "Content-Encoding: gzip\r\n");
}

TEST_F(http_client_coding_test, decodes_collected_and_streamed_bodies) {
  socket_server server([](server_socket& s, int) {
    while (!s.read_request().empty()) s.send(gzipped(text));
  });
  const auto client = connect_to(server);
  const auto answer = ask();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, text);
  recorder to;
  start(to, post("{}", true));
  ASSERT_TRUE(to.wait());
  EXPECT_EQ(to.text(), text);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(http_client_coding_test, a_bomb_is_stopped_at_the_limit) {
  std::string zeros;
  zeros.resize(20'000'000);
  const std::vector<std::string> bombs{gzipped(zeros),
                                       ok(bomb_in_brotli, "Content-Encoding: br\r\n"),
                                       ok(zstd_frame(20, 160), "Content-Encoding: zstd\r\n")};
  socket_server server([&](server_socket& s, int connection) {
    static_cast<void>(s.read_request());
    s.send(bombs[static_cast<std::size_t>(connection) / 2]);
    static_cast<void>(s.sees_close());
  });
  http_client_options options;
  options.body_bytes_max = 1'000'000;
  const auto client = connect_to(server, options);
  for (const auto& bomb : bombs) {
    ASSERT_LT(bomb.size(), 100'000u);
    for (const bool stream : {false, true}) {
      recorder to;
      start(to, post("{}", stream));
      const auto answer = to.wait();
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().kind, error_kind::resource_exhausted);
      EXPECT_EQ(answer.error().resource_type, "response_body_bytes");
      EXPECT_LE(to.text().size(), options.body_bytes_max);
    }
  }
}

TEST_F(http_client_coding_test, a_coded_body_that_is_cut_inside_its_length_is_an_error) {
  socket_server server([](server_socket& s, int) {
    static_cast<void>(s.read_request());
    const auto whole = coded(text, 31);
    s.send(ok(whole.substr(0, whole.size() - 4), "Content-Encoding: gzip\r\n"));
    static_cast<void>(s.sees_close());
  });
  const auto client = connect_to(server);
  const auto answer = ask();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::network);
}

}  // namespace
}  // namespace graphbit::test
