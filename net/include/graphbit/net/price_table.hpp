#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <graphbit/runtime/chat.hpp>
#include <graphbit/runtime/error.hpp>

namespace graphbit {

class runtime;

/// US dollars per million tokens.
struct model_price {
  double input = 0;  ///< prompt tokens
  std::optional<double>
      cached_input;                   ///< prompt tokens read from the provider's cache; none: input
  std::optional<double> cache_write;  ///< prompt tokens written to that cache; none: input
  double output = 0;                  ///< the answer's tokens

  friend bool operator==(const model_price&, const model_price&) = default;
};

/// What `usage` costs in US dollars.
[[nodiscard]] double cost_of(const model_price& price, const token_usage& usage) noexcept;
/// One number to compare models by: three prompt tokens per answer token, per million tokens.
[[nodiscard]] double blended(const model_price& price) noexcept;

/// What models cost, by the beginning of their names: the longest that fits holds. An entry
/// "provider/model" goes before an entry "model"; of a model named "vendor/model" the vendor is
/// left out. A plain value.
class price_table {
 public:
  /// List prices of hosted models on the date in price_table.cpp; local servers are free.
  [[nodiscard]] static price_table built_in();

  /// Reads {"gpt-4o": {"input": 2.5, "cached_input": 1.25, "cache_write": 2.5, "output": 10}, ...}
  /// and puts its entries over those of this table. Errors: Validation for text that is no JSON,
  /// Configuration naming the entry at fault; nothing is changed then.
  [[nodiscard]] expected<void> add_json(std::string_view text);
  /// The same from a file. Error too: Configuration{field="prices"} when it cannot be read.
  [[nodiscard]] expected<void> add_file(const std::string& path);
  /// For models whose name begins so; replaces an equal beginning's price.
  void set(std::string name_begin, model_price price);

  /// The price that holds for a model; nothing for an unknown one.
  [[nodiscard]] std::optional<model_price> find(std::string_view provider,
                                                std::string_view model) const;
  /// How many beginnings of names it knows.
  [[nodiscard]] std::size_t size() const noexcept { return prices_.size(); }

 private:
  [[nodiscard]] const model_price* longest(std::string_view name) const;

  std::map<std::string, model_price, std::less<>> prices_;
};

/// The prices in force in one runtime: `rt.service<price_book>()`. Any thread.
class price_book {
 public:
  /// The built-in prices; use `rt.service<price_book>()`.
  explicit price_book(runtime&) {}
  /// The prices for calls that end now.
  [[nodiscard]] std::shared_ptr<const price_table> current() const {
    const std::lock_guard guard(mutex_);
    return table_;
  }
  /// From now on; calls that were answered before keep their cost.
  void replace(price_table table) {
    auto next = std::make_shared<const price_table>(std::move(table));
    const std::lock_guard guard(mutex_);
    table_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const price_table> table_ =
      std::make_shared<const price_table>(price_table::built_in());
};

}  // namespace graphbit
