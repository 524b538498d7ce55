#include "stored_value.hpp"

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cstring>

#include <graphbit/runtime/hex.hpp>

namespace graphbit {

namespace {

enum blob_codec : std::int64_t { plain = 0, zstd = 1 };
constexpr int compression_level = 3;  // zstd's own default
constexpr std::int64_t blob_bytes_max = 1024LL * 1024 * 1024;

[[nodiscard]] std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

[[nodiscard]] std::string compress(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const auto size =
      ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), compression_level);
  if (ZSTD_isError(size) || size >= bytes.size()) return {};
  out.resize(size);
  return out;
}

[[nodiscard]] error damaged_blob(const std::string& hash) {
  return core_error("the stored value " + to_hex(hash) + " is damaged");
}

}  // namespace

stored_value::stored_value(std::string_view bytes, std::size_t inline_bytes_max) : bytes_(bytes) {
  if (bytes.size() <= inline_bytes_max) return;
  hash_ = sha256(bytes);
  compressed_ = compress(bytes);
}

sql_param stored_value::inline_param() const {
  return sql_bytes{is_blob() ? std::string_view() : bytes_};
}

sql_param stored_value::hash_param() const {
  if (!is_blob()) return nullptr;
  return sql_bytes{hash_};
}

void stored_value::add_calls(std::int64_t run_no, std::vector<sql_call>& calls) const {
  if (!is_blob()) return;
  const bool packed = !compressed_.empty();
  calls.push_back(
      {"INSERT INTO blobs (hash, codec, size, bytes) VALUES ($1, $2, $3, $4) "
       "ON CONFLICT (hash) DO NOTHING",
       {sql_bytes{hash_}, packed ? zstd : plain, static_cast<std::int64_t>(bytes_.size()),
        sql_bytes{packed ? std::string_view(compressed_) : bytes_}}});
  calls.push_back(
      {"INSERT INTO blob_uses (run_no, hash) VALUES ($1, $2) "
       "ON CONFLICT (run_no, hash) DO NOTHING",
       {run_no, sql_bytes{hash_}}});
}

expected<std::string> read_blob(const std::string& hash, std::int64_t codec, std::int64_t size,
                                const std::string& bytes) {
  if (size < 0 || size > blob_bytes_max) return fail(damaged_blob(hash));
  std::string value;
  if (codec == zstd) {
    value.resize(static_cast<std::size_t>(size));
    const auto got = ZSTD_decompress(value.data(), value.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(got) || got != value.size()) return fail(damaged_blob(hash));
  } else {
    value = bytes;
  }
  if (sha256(value) != hash) return fail(damaged_blob(hash));
  return value;
}

row_checksum& row_checksum::add(std::string_view text) noexcept {
  add(static_cast<std::int64_t>(text.size()));
  crc_ = crc32_z(crc_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return *this;
}

row_checksum& row_checksum::add(std::int64_t number) noexcept {
  std::array<unsigned char, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  crc_ = crc32_z(crc_, bytes.data(), bytes.size());
  return *this;
}

}  // namespace graphbit
