#include "handshake.hpp"

#include <algorithm>
#include <utility>

namespace graphbit::cluster {

namespace {

constexpr std::size_t nonce_bytes_min = 16;

[[nodiscard]] std::string version_text(std::uint16_t from, std::uint16_t to) {
  return from == to ? std::to_string(to) : std::to_string(from) + " to " + std::to_string(to);
}

[[nodiscard]] std::uint16_t oldest_spoken_by(std::uint16_t version) {
  return version > 1 ? static_cast<std::uint16_t>(version - 1) : version;
}

// What both sides sign: everything that was said, and which of the two signs.
[[nodiscard]] std::string transcript(const hello& h, welcome w, char who) {
  w.signature.clear();
  std::string out = "graphbit cluster handshake";
  out.push_back(who);
  encode(h, protocol_version_min, out);
  encode(w, protocol_version_min, out);
  return out;
}

[[nodiscard]] expected<void> check_nonce(const std::string& nonce) {
  if (nonce.size() >= nonce_bytes_min) return {};
  return fail(authentication_error("cluster", "the peer sent no nonce"));
}

}  // namespace

dialling_handshake::dialling_handshake(const peer_self& self, std::string host, std::string nonce)
    : self_(self), host_(std::move(host)) {
  hello_ = {.version = self.version,
            .version_min = oldest_spoken_by(self.version),
            .role = self.role,
            .cluster = self.cluster,
            .name = self.name,
            .incarnation = self.incarnation,
            .weight = self.weight,
            .nonce = std::move(nonce),
            .certificate = self.certificate ? self.certificate->certificate_pem() : ""};
}

expected<proof> dialling_handshake::answer(const welcome& w) {
  if (w.version > hello_.version || w.version < hello_.version_min)
    return fail(configuration_error("version",
                                    "it answered in protocol version " + std::to_string(w.version) +
                                        ", which this process does not speak (" +
                                        version_text(hello_.version_min, hello_.version) + ")"));
  if (auto fresh = check_nonce(w.nonce); !fresh) return fail(std::move(fresh.error()));
  peer_ = {.name = w.name,
           .role = peer_role::member,
           .incarnation = w.incarnation,
           .version = w.version};
  if (!self_.certificate) return proof{};
  auto who =
      self_.certificate->verify(w.certificate, host_, transcript(hello_, w, 'l'), w.signature);
  if (!who) return fail(std::move(who.error()));
  auto signature = self_.certificate->sign(transcript(hello_, w, 'd'));
  if (!signature) return fail(std::move(signature.error()));
  return proof{std::move(*signature)};
}

expected<welcome> listening_handshake::answer(const hello& h) {
  const auto oldest = oldest_spoken_by(self_.version);
  if (h.version < oldest || h.version_min > self_.version)
    return fail(configuration_error(
        "version", "it speaks protocol version " + version_text(h.version_min, h.version) +
                       ", this member " + version_text(oldest, self_.version) +
                       ": upgrade the older of the two"));
  if (h.cluster != self_.cluster)
    return fail(configuration_error("cluster", "it belongs to the cluster \"" + h.cluster +
                                                   "\", this member to \"" + self_.cluster + "\""));
  if (auto fresh = check_nonce(h.nonce); !fresh) return fail(std::move(fresh.error()));
  hello_ = h;
  welcome_ = {.version = std::min(h.version, self_.version),
              .name = self_.name,
              .incarnation = self_.incarnation,
              .nonce = nonce_,
              .certificate = self_.certificate ? self_.certificate->certificate_pem() : "",
              .signature = {}};
  if (self_.certificate) {
    auto signature = self_.certificate->sign(transcript(hello_, welcome_, 'l'));
    if (!signature) return fail(std::move(signature.error()));
    welcome_.signature = std::move(*signature);
  }
  peer_ = {.name = h.name,
           .role = h.role,
           .incarnation = h.incarnation,
           .weight = std::max(1u, h.weight),
           .version = welcome_.version};
  return welcome_;
}

expected<void> listening_handshake::finish(const proof& p) {
  if (!self_.certificate) return {};
  return self_.certificate->verify(hello_.certificate, {}, transcript(hello_, welcome_, 'd'),
                                   p.signature);
}

}  // namespace graphbit::cluster
