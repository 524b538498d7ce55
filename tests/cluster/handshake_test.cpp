// Who may speak to whom: versions, names, certificates.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include <graphbit/cluster/certificate_authority.hpp>

#include <src/peer/handshake.hpp>

namespace graphbit::cluster {
namespace {

class HandshakeTest : public testing::Test {
 public:
  ~HandshakeTest() override { std::filesystem::remove_all(folder); }

 protected:
  HandshakeTest() {
    char name[] = "/tmp/graphbit-handshake-XXXXXX";
    folder = mkdtemp(name);
    for (const auto* authority : {"one", "other"})
      EXPECT_TRUE(make_authority(folder + "/" + authority, authority, std::chrono::hours(24)));
  }

  [[nodiscard]] std::shared_ptr<const identity> make(const std::string& authority,
                                                     const std::string& name,
                                                     const std::string& host) const {
    const auto where = folder + "/" + authority;
    const auto issued = issue_certificate(where, name, {host}, std::chrono::hours(24));
    EXPECT_TRUE(issued) << issued.error().message;
    auto loaded = identity::load(
        {where + "/" + name + ".pem", where + "/" + name + ".key", where + "/ca.pem"});
    EXPECT_TRUE(loaded) << loaded.error().message;
    return std::move(*loaded);
  }

  // Empty when both sides accept; else what the refusing side says.
  [[nodiscard]] static std::string shake(const peer_self& dialler, const peer_self& member,
                                         const std::string& host = "127.0.0.1") {
    dialling_handshake d(dialler, host, std::string(32, 'd'));
    listening_handshake l(member, std::string(32, 'l'));
    const auto w = l.answer(d.first());
    if (!w) return w.error().message;
    const auto p = d.answer(*w);
    if (!p) return p.error().message;
    const auto end = l.finish(*p);
    if (!end) return end.error().message;
    EXPECT_EQ(l.peer().name, dialler.name);
    EXPECT_EQ(d.peer().name, member.name);
    EXPECT_EQ(d.peer().version, l.peer().version);
    return {};
  }

  std::string folder;
};

TEST_F(HandshakeTest, VersionNSpeaksWithNMinusOneAndOlderIsRefused) {
  peer_self now{.name = "now"}, before{.name = "before", .version = protocol_version - 1};
  EXPECT_EQ(shake(now, before), "");
  EXPECT_EQ(shake(before, now), "");
  peer_self next{.name = "next", .version = protocol_version + 1};
  EXPECT_EQ(shake(next, now), "");
  EXPECT_NE(shake(next, before).find("upgrade"), std::string::npos);
  EXPECT_NE(shake(before, next).find("upgrade"), std::string::npos);
}

TEST_F(HandshakeTest, AnotherClustersProcessIsRefused) {
  const auto why = shake({.cluster = "a", .name = "x"}, {.cluster = "b", .name = "y"});
  EXPECT_NE(why.find("\"a\""), std::string::npos) << why;
  EXPECT_NE(why.find("\"b\""), std::string::npos) << why;
}

TEST_F(HandshakeTest, BothSidesProveTheirCertificates) {
  const auto owner = make("one", "owner", "laptop"), member = make("one", "member", "127.0.0.1");
  EXPECT_EQ(shake({.name = "o", .certificate = owner}, {.name = "m", .certificate = member}), "");
  const auto elsewhere =
      shake({.name = "o", .certificate = owner}, {.name = "m", .certificate = member}, "10.1.2.3");
  EXPECT_NE(elsewhere.find("does not name the host 10.1.2.3"), std::string::npos) << elsewhere;
}

TEST_F(HandshakeTest, AnotherAuthoritysCertificateIsRefusedByBothSides) {
  const auto owner = make("one", "owner", "127.0.0.1"),
             stranger = make("other", "stranger", "127.0.0.1");
  for (const auto& why :
       {shake({.name = "o", .certificate = owner}, {.name = "m", .certificate = stranger}),
        shake({.name = "o", .certificate = stranger}, {.name = "m", .certificate = owner})})
    EXPECT_NE(why.find("not accepted"), std::string::npos) << why;
}

TEST_F(HandshakeTest, ACertificateWithoutItsKeyProvesNothing) {
  const auto owner = make("one", "owner", "127.0.0.1"), member = make("one", "member", "127.0.0.1");
  dialling_handshake d({.name = "o", .certificate = owner}, "127.0.0.1", std::string(32, 'd'));
  listening_handshake l({.name = "m", .certificate = member}, std::string(32, 'l'));
  auto w = l.answer(d.first()).value();
  w.signature[w.signature.size() / 2] ^= 1;
  EXPECT_FALSE(d.answer(w)) << "a signature that was tampered with";
  w = l.answer(d.first()).value();
  w.incarnation += 1;
  EXPECT_FALSE(d.answer(w)) << "everything said is signed";
}

TEST_F(HandshakeTest, FilesThatCannotWorkAreRefusedBeforeAnythingListens) {
  static_cast<void>(make("one", "a", "h"));
  static_cast<void>(make("one", "b", "h"));
  const auto one = folder + "/one/", other = folder + "/other/";
  EXPECT_EQ(identity::load({one + "a.pem", one + "b.key", one + "ca.pem"}).error().field, "key");
  EXPECT_EQ(identity::load({one + "a.pem", one + "a.key", other + "ca.pem"}).error().field, "cert");
  EXPECT_EQ(identity::load({one + "a.pem", one + "a.key", ""}).error().field, "ca");
  EXPECT_EQ(identity::load({one + "none.pem", one + "a.key", one + "ca.pem"}).error().field,
            "cert");
  EXPECT_TRUE(issue_certificate(folder + "/one", "old", {"h"}, std::chrono::hours(0)));
  EXPECT_NE(identity::load({one + "old.pem", one + "old.key", one + "ca.pem"})
                .error()
                .message.find("expired"),
            std::string::npos);
}

TEST_F(HandshakeTest, KeysAreReadableByTheirOwnerAlone) {
  static_cast<void>(make("one", "a", "h"));
  const auto mode = std::filesystem::status(folder + "/one/a.key").permissions();
  EXPECT_EQ(mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
            std::filesystem::perms::none);
  EXPECT_FALSE(make_authority(folder + "/one", "again", std::chrono::hours(1))) << "never replaced";
  EXPECT_FALSE(issue_certificate(folder + "/one", "../x", {"h"}, std::chrono::hours(1)));
  EXPECT_FALSE(issue_certificate(folder + "/one", "x", {"h,IP:1.2.3.4"}, std::chrono::hours(1)));
}

}  // namespace
}  // namespace graphbit::cluster
