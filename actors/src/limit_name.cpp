#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include <graphbit/actors/limit_authority.hpp>
#include <graphbit/runtime/hex.hpp>

namespace graphbit {

std::string limit_name(std::string_view hash_key, std::string_view endpoint, std::string_view model,
                       const secret& api_key) {
  std::string text(endpoint);
  text += '\0';
  text += model;
  text += '\0';
  text += api_key.expose();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  HMAC(EVP_sha256(), hash_key.data(), static_cast<int>(hash_key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &bytes);
  return to_hex({reinterpret_cast<const char*>(digest.data()), bytes});
}

}  // namespace graphbit
