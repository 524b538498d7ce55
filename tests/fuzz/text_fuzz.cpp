// The small languages inside a workflow: references in prompts, paths into JSON, named
// transformations, conditions. The first line is the text, the rest the value it is about.
#include <string>

#include <graphbit/actors/condition_expression.hpp>

#include "fuzz/require.hpp"
#include "src/prompt.hpp"
#include "src/transform.hpp"

namespace {

using namespace graphbit;
using graphbit::fuzz::require;

/// Knows one output, under every name that begins with "a".
class one_output final : public reference_scope {
 public:
  explicit one_output(const node_output& output) : output_(output) {}
  [[nodiscard]] const node_output* node(std::string_view name) const override {
    return name.starts_with('a') ? &output_ : nullptr;
  }
  [[nodiscard]] const node_output* variable(std::string_view name) const override {
    return node(name);
  }

 private:
  const node_output& output_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(all.find('\n'), all.size());
  const std::string_view text = all.substr(0, cut);
  const auto output = node_output::from_answer(std::string(all.substr(std::min(cut + 1, size))));

  text_pieces out;
  expand_references(text, one_output(output), out);
  require(out.str().size() == out.bytes(), "pieces know their size");
  if (text.find('{') == std::string_view::npos)
    require(out.str() == text, "without references a text stays as it is");

  const json_value value = output.json();
  require(follow_path(value, "") == &value, "an empty path is the value");
  static_cast<void>(follow_path(value, text));
  if (const auto named = parse_transform(text, {});
      named && named->kind != transform_kind::template_text)
    static_cast<void>(apply_transform(*named, output));
  if (const auto condition = condition_expression::parse(text))
    static_cast<void>(condition->evaluate(
        [&](std::string_view name) { return name.empty() ? nullptr : &value; }));
  return 0;
}
