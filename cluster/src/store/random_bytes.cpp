#include "random_bytes.hpp"

#include <openssl/rand.h>

namespace graphbit {

expected<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1)
    return fail(core_error("the operating system gave no random bytes: check /dev/urandom"));
  return bytes;
}

}  // namespace graphbit
