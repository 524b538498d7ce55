#include <gtest/gtest.h>

#include <string>

#include <graphbit/runtime/json_scan.hpp>

namespace graphbit {
namespace {

TEST(json_plain_bytes, finds_each_special_byte_at_each_place) {
  for (const char special : {'"', '\\', '\0', '\n', '\x1f'}) {
    for (std::size_t length = 0; length < 70; ++length) {
      std::string text(length, '\x7f');
      EXPECT_EQ(json_plain_bytes(text.data(), text.size()), length);
      for (std::size_t at = 0; at < length; ++at) {
        std::string marked = text;
        marked[at] = special;
        EXPECT_EQ(json_plain_bytes(marked.data(), marked.size()), at);
      }
    }
  }
}

TEST(json_plain_bytes, lets_every_other_byte_pass) {
  for (int byte = 0x20; byte < 0x100; ++byte) {
    if (byte == '"' || byte == '\\') continue;
    const std::string text(33, static_cast<char>(byte));
    EXPECT_EQ(json_plain_bytes(text.data(), text.size()), text.size()) << byte;
  }
}

TEST(is_utf8, takes_the_first_and_last_character_of_each_length) {
  for (const char* good :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    for (std::size_t lead = 0; lead < 20; ++lead)
      EXPECT_TRUE(is_utf8(std::string(lead, 'x') + good + "tail of sixteen or more"));
  }
}

TEST(is_utf8, refuses_what_is_cut_overlong_surrogate_or_too_big) {
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xe1\x80", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    for (std::size_t lead = 0; lead < 20; ++lead) {
      EXPECT_FALSE(is_utf8(std::string(lead, 'x') + bad));
      EXPECT_FALSE(is_utf8(std::string(lead, 'x') + bad + "tail of sixteen or more"));
    }
  }
}

}  // namespace
}  // namespace graphbit
