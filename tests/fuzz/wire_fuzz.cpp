// Every wire format reads anything without harm, keeps the key to itself, and gives a stream's
// text however the network cuts it. The first byte chooses the provider.
#include <string>
#include <vector>

#include <graphbit/net/wire_format.hpp>

#include "fuzz/require.hpp"

namespace {

using namespace graphbit;
using graphbit::fuzz::require;

provider_config config_of(const provider_row& row) {
  provider_config config;
  config.provider = row.name;
  config.model = "gpt";  // so that Azure speaks the responses API
  config.api_key = secret("sk-fuzz-0123456789abcdef");
  return config;
}

void check(const error& e, const provider_config& config) {
  require(describe(e).find(config.api_key.expose()) == std::string::npos, "no error shows the key");
}

struct outcome {
  std::string text;
  bool sound = false;
};

outcome stream(const provider_config& config, const wire_format& wire, std::string_view bytes,
               std::size_t piece_bytes) {
  const auto decoder = wire.decode_stream(config);
  std::vector<std::string> pieces;
  outcome out;
  bool fed_all = true;
  while (!bytes.empty() && fed_all) {
    const std::string receive(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(receive.size());
    const auto fed = decoder->feed(receive, pieces);
    fed_all = fed.has_value();
    if (!fed_all) check(fed.error(), config);
  }
  for (const std::string& piece : pieces) out.text += piece;
  if (!fed_all) return out;
  const auto response = decoder->finish();
  out.sound = response.has_value();
  if (out.sound)
    out.text = response->content;
  else
    check(response.error(), config);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& table = provider_table();
  const provider_row& row = table[data[0] % table.size()];
  const provider_config config = config_of(row);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::string body(bytes);
  if (const auto response = row.wire->decode_chat(config, body); !response)
    check(response.error(), config);
  body = bytes;
  if (const auto response = row.wire->decode_embeddings(config, body); !response)
    check(response.error(), config);
  static_cast<void>(row.wire->next_step(config, bytes));
  http_response refused;
  refused.status = 400 + data[0];
  refused.body = bytes;
  check(row.wire->decode_error(config, refused), config);

  if (row.name == "replicate")
    return 0;  // one JSON text with no end mark: cuts decide where it ends
  const outcome whole = stream(config, *row.wire, bytes, bytes.size() + 1);
  const outcome cut = stream(config, *row.wire, bytes, 1);
  require(whole.sound == cut.sound, "how a stream ends does not depend on the cuts");
  require(!whole.sound || whole.text == cut.text, "a stream's text does not depend on the cuts");
  return 0;
}
