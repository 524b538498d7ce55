#include "src/base64.hpp"

#include <gtest/gtest.h>

namespace graphbit {
namespace {

std::string encoded(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(base64, gives_the_vectors_of_rfc_4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, code] : vectors) {
    EXPECT_EQ(encoded(plain), code);
    EXPECT_EQ(decode_base64(code), plain);
  }
}

TEST(base64, every_byte_survives) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t length = 0; length <= bytes.size(); ++length)
    EXPECT_EQ(decode_base64(encoded(bytes.substr(0, length))), bytes.substr(0, length));
}

TEST(base64, refuses_what_it_is_not) {
  for (const char* bad : {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Z!==", "Zm 9"})
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace graphbit
