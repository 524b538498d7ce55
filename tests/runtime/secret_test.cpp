#include <gtest/gtest.h>

#include <graphbit/runtime/secret.hpp>

namespace graphbit {
namespace {

TEST(secret, shows_three_and_four_bytes_of_long_ones) {
  EXPECT_EQ(secret("sk-abcdefghijklmnop1234").redacted(), "sk-…1234");
}

TEST(secret, shows_nothing_of_short_or_strange_ones) {
  EXPECT_EQ(secret("sk-short").redacted(), "…");
  EXPECT_EQ(secret("schlüssel-mit-umlauten-darin").redacted(), "…");
  EXPECT_EQ(secret().redacted(), "");
}

TEST(secret, is_cut_out_of_texts_wherever_it_stands) {
  const secret key("sk-abcdefghijklmnop1234");
  EXPECT_EQ(redact("bad key " + key.expose() + "; again " + key.expose(), key),
            "bad key sk-…1234; again sk-…1234");
  EXPECT_EQ(redact("nothing here", key), "nothing here");
  EXPECT_EQ(redact("no key set", secret()), "no key set");
}

}  // namespace
}  // namespace graphbit
