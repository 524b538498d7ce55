#include <graphbit/net/json_mode.hpp>

#include <algorithm>
#include <iterator>

namespace graphbit {

bool takes_json_schema(std::string_view provider) noexcept {
  // By their API references, 2026-11: these have no field for a schema, or one for plain JSON only.
  constexpr std::string_view without[] = {"ai21", "bytedance", "deepseek", "python_bridge",
                                          "replicate"};
  return std::find(std::begin(without), std::end(without), provider) == std::end(without);
}

}  // namespace graphbit
