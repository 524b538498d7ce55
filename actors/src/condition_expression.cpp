#include <graphbit/actors/condition_expression.hpp>

#include <charconv>
#include <cmath>
#include <compare>
#include <optional>
#include <utility>
#include <vector>

#include "src/transform.hpp"

namespace graphbit {

/// One step of a parsed expression; what `operands` mean depends on `op`.
struct condition_expression::term {
  enum class operation : std::uint8_t {
    literal,
    reference,
    conditional,
    logical_or,
    logical_and,
    negation,
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal,
    contains,
    in,
    starts_with,
    ends_with,
    length,
    lower,
  };
  operation op = operation::literal;
  json_value value;       ///< literal
  std::string reference;  ///< reference: "name.key.0"
  std::vector<std::shared_ptr<const term>> operands;
};

namespace {

using term = condition_expression::term;
using operation = term::operation;
using term_ptr = std::shared_ptr<const term>;

constexpr std::size_t nesting_max = 64;

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

term_ptr make(operation op, std::vector<term_ptr> operands) {
  auto t = std::make_shared<term>();
  t->op = op;
  t->operands = std::move(operands);
  return t;
}

term_ptr make_literal(json_value value) {
  auto t = std::make_shared<term>();
  t->value = std::move(value);
  return t;
}

term_ptr make_reference(std::string_view path) {
  auto t = std::make_shared<term>();
  t->op = operation::reference;
  t->reference = path;
  return t;
}

/// Recursive descent over the grammar in the header. Each function throws nothing and gives
/// nullptr after it has noted the first error.
class parser {
 public:
  explicit parser(std::string_view text) : text_(text) {}

  expected<term_ptr> parse() {
    term_ptr root = expression();
    skip_space();
    if (root && at_ < text_.size()) root = complain("unexpected text");
    if (!root)
      return fail(validation_error("expression", error_ + " at offset " + std::to_string(error_at_),
                                   std::string(text_)));
    return root;
  }

 private:
  term_ptr expression() {
    if (++depth_ > nesting_max) return complain("nested too deeply");
    term_ptr condition = either();
    if (condition && take_symbol("?")) {
      term_ptr yes = expression();
      if (yes && !take_symbol(":")) yes = complain("expected ':'");
      term_ptr no = yes ? expression() : nullptr;
      condition = no ? make(operation::conditional, {condition, yes, no}) : nullptr;
    }
    --depth_;
    return condition;
  }

  term_ptr either() {
    term_ptr left = both();
    while (left && (take_symbol("||") || take_word("or"))) {
      term_ptr right = both();
      left = right ? make(operation::logical_or, {left, right}) : nullptr;
    }
    return left;
  }

  term_ptr both() {
    term_ptr left = negated();
    while (left && (take_symbol("&&") || take_word("and"))) {
      term_ptr right = negated();
      left = right ? make(operation::logical_and, {left, right}) : nullptr;
    }
    return left;
  }

  term_ptr negated() {
    bool negate = false;
    while ((peek() == '!' && peek(1) != '=' && take_symbol("!")) || take_word("not"))
      negate = !negate;
    term_ptr inner = comparison();
    return inner && negate ? make(operation::negation, {inner}) : inner;
  }

  term_ptr comparison() {
    term_ptr left = value();
    if (!left) return left;
    const bool negate = take_word("not");
    const auto op = comparison_operator();
    if (negate && !op) return complain("expected in or contains after not");
    if (!op) return left;
    term_ptr right = value();
    if (!right) return right;
    term_ptr compared = make(*op, {left, right});
    return negate ? make(operation::negation, {compared}) : compared;
  }

  std::optional<operation> comparison_operator() {
    if (take_symbol("==")) return operation::equal;
    if (take_symbol("!=")) return operation::unequal;
    if (take_symbol("<=")) return operation::less_equal;
    if (take_symbol(">=")) return operation::greater_equal;
    if (take_symbol("<")) return operation::less;
    if (take_symbol(">")) return operation::greater;
    if (take_word("contains")) return operation::contains;
    if (take_word("in")) return operation::in;
    if (take_word("startswith")) return operation::starts_with;
    if (take_word("endswith")) return operation::ends_with;
    return std::nullopt;
  }

  term_ptr value() {
    skip_space();
    const char c = peek();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '(') return parenthesised();
    if (c == '{') return braced();
    if (c == '[') return list();
    if (is_digit(c) || (c == '-' && is_digit(peek(1)))) return number();
    if (is_word(c)) return word();
    return complain(at_ < text_.size() ? "expected a value" : "ended where a value was expected");
  }

  term_ptr parenthesised() {
    ++at_;
    term_ptr inner = expression();
    if (inner && !take_symbol(")")) return complain("expected ')'");
    return inner;
  }

  term_ptr list() {
    if (++depth_ > nesting_max) return complain("nested too deeply");
    json_value::array items;
    ++at_;
    while (!take_symbol("]")) {
      if (!items.empty() && !take_symbol(",")) return complain("expected ',' or ']'");
      const term_ptr item = value();
      if (!item) return item;
      if (item->op != operation::literal) return complain("a list holds texts and numbers only");
      items.push_back(item->value);
    }
    --depth_;
    return make_literal(std::move(items));
  }

  term_ptr quoted(char quote) {
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        const char escaped = text_[++at_];
        out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
      } else {
        out += text_[at_];
      }
    }
    if (at_ == text_.size()) return complain("text without a closing quote");
    ++at_;
    return make_literal(std::move(out));
  }

  term_ptr number() {
    double parsed = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, code] = std::from_chars(text_.data() + at_, end, parsed);
    if (code != std::errc()) return complain("a number that cannot be read");
    at_ = static_cast<std::size_t>(stop - text_.data());
    return make_literal(parsed);
  }

  /// `{name}` and `{{node.name.path}}`, as they are written in prompts.
  term_ptr braced() {
    const bool is_double = peek(1) == '{';
    at_ += is_double ? 2 : 1;
    const auto end = text_.find('}', at_);
    if (end == std::string_view::npos) return complain("expected '}'");
    std::string_view path = text_.substr(at_, end - at_);
    if (is_double && path.starts_with("node.")) path.remove_prefix(5);
    at_ = end + 1;
    if (is_double && !take_symbol("}")) return complain("expected '}}'");
    if (path.empty()) return complain("an empty reference");
    return make_reference(path);
  }

  term_ptr word() {
    const auto from = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    const std::string_view w = text_.substr(from, at_ - from);
    if (w == "true" || w == "True") return make_literal(true);
    if (w == "false" || w == "False") return make_literal(false);
    if (w == "null" || w == "None") return make_literal(nullptr);
    skip_space();
    if (peek() != '(') return make_reference(w);
    if (w != "length" && w != "len" && w != "lower") {
      at_ = from;
      return complain(std::string(w) + " is no function; there are length() and lower()");
    }
    term_ptr inner = parenthesised();
    if (!inner) return inner;
    return make(w == "lower" ? operation::lower : operation::length, {inner});
  }

  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_space() noexcept {
    while (at_ < text_.size() &&
           (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r'))
      ++at_;
  }

  bool take_symbol(std::string_view symbol) noexcept {
    skip_space();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  bool take_word(std::string_view w) noexcept {
    skip_space();
    if (!text_.substr(at_).starts_with(w) || is_word(peek(w.size()))) return false;
    at_ += w.size();
    return true;
  }

  term_ptr complain(std::string what) {
    if (error_.empty()) {
      error_ = std::move(what);
      error_at_ = at_;
    }
    return nullptr;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::string error_;
  std::size_t error_at_ = 0;
};

std::optional<double> as_number(const json_value& v) noexcept {
  if (v.is_number()) return v.as_double();
  if (!v.is_string()) return std::nullopt;
  std::string_view text = v.as_string();
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return std::nullopt;
  text = text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
  double parsed = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return parsed;
}

/// Numbers when both sides are, texts when both are texts; else only equality is defined.
std::partial_ordering compare(const json_value& a, const json_value& b) {
  if (a.is_number() || b.is_number()) {
    const auto x = as_number(a), y = as_number(b);
    return x && y ? *x <=> *y : std::partial_ordering::unordered;
  }
  if (a.is_string() && b.is_string()) {
    const int order = a.as_string().compare(b.as_string());
    return order <=> 0;
  }
  return a == b ? std::partial_ordering::equivalent : std::partial_ordering::unordered;
}

bool holds(const json_value& whole, const json_value& part) {
  if (whole.is_array()) {
    for (const json_value& item : whole.as_array())
      if (compare(item, part) == 0) return true;
    return false;
  }
  if (whole.is_object()) return part.is_string() && whole.find(part.as_string()) != nullptr;
  return !whole.is_null() && to_text(whole).find(to_text(part)) != std::string::npos;
}

/// Texts count code points, so that a limit means the same in every script.
json_value length_of(const json_value& v) {
  if (v.is_array()) return static_cast<std::uint64_t>(v.as_array().size());
  if (v.is_object()) return static_cast<std::uint64_t>(v.as_object().size());
  if (v.is_null()) return std::uint64_t{0};
  std::uint64_t points = 0;
  for (const char c : to_text(v)) points += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return points;
}

std::string lower_of(const json_value& v) {
  const auto lowered =
      apply_transform({transform_kind::lowercase, {}}, node_output::from_text(to_text(v)));
  return lowered ? lowered->text() : std::string();
}

/// A node's name may hold dots: the longest known name wins, the rest is a path into its value.
json_value resolve(std::string_view reference, const condition_expression::lookup& find) {
  if (const json_value* whole = find(reference)) return *whole;
  for (auto dot = reference.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = reference.rfind('.', dot - 1)) {
    const json_value* root = find(reference.substr(0, dot));
    if (root == nullptr) continue;
    const json_value* found = follow_path(*root, reference.substr(dot + 1));
    return found == nullptr ? json_value() : *found;
  }
  return {};
}

json_value evaluate_term(const term& t, const condition_expression::lookup& find);

bool evaluate_comparison(const term& t, const condition_expression::lookup& find) {
  const json_value a = evaluate_term(*t.operands[0], find);
  const json_value b = evaluate_term(*t.operands[1], find);
  switch (t.op) {
    case operation::equal:
      return compare(a, b) == 0;
    case operation::unequal:
      return compare(a, b) != 0;
    case operation::less:
      return compare(a, b) < 0;
    case operation::less_equal:
      return compare(a, b) <= 0;
    case operation::greater:
      return compare(a, b) > 0;
    case operation::greater_equal:
      return compare(a, b) >= 0;
    case operation::contains:
      return holds(a, b);
    case operation::in:
      return holds(b, a);
    case operation::starts_with:
      return to_text(a).starts_with(to_text(b));
    case operation::ends_with:
      return to_text(a).ends_with(to_text(b));
    default:
      return false;
  }
}

json_value evaluate_term(const term& t, const condition_expression::lookup& find) {
  const auto operand = [&](std::size_t i) { return evaluate_term(*t.operands[i], find); };
  switch (t.op) {
    case operation::literal:
      return t.value;
    case operation::reference:
      return resolve(t.reference, find);
    case operation::conditional:
      return condition_expression::truth(operand(0)) ? operand(1) : operand(2);
    case operation::logical_or:
      return condition_expression::truth(operand(0)) || condition_expression::truth(operand(1));
    case operation::logical_and:
      return condition_expression::truth(operand(0)) && condition_expression::truth(operand(1));
    case operation::negation:
      return !condition_expression::truth(operand(0));
    case operation::length:
      return length_of(operand(0));
    case operation::lower:
      return lower_of(operand(0));
    default:
      return evaluate_comparison(t, find);
  }
}

}  // namespace

expected<condition_expression> condition_expression::parse(std::string_view text) {
  auto root = parser(text).parse();
  if (!root) return fail(std::move(root.error()));
  return condition_expression(std::move(*root));
}

json_value condition_expression::evaluate(const lookup& find) const {
  return evaluate_term(*root_, find);
}

bool condition_expression::truth(const json_value& value) noexcept {
  if (value.is_bool()) return value.as_bool();
  if (value.is_number()) return value.as_double() != 0;
  if (value.is_string()) return !value.as_string().empty();
  if (value.is_array()) return !value.as_array().empty();
  if (value.is_object()) return !value.as_object().empty();
  return false;
}

}  // namespace graphbit
