#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace graphbit::cluster {

/// Writes values as bytes: numbers as LEB128 varints (signed ones zigzag first), doubles and floats
/// little endian, texts and lists with their length in front. A struct is written member by member
/// as its `members(value)` ties them together, or by its `fields(archive, value)`: the same
/// function that reads it.
class byte_writer {
 public:
  byte_writer(std::string& out, std::uint16_t version) : out_(out), version_(version) {}
  static constexpr bool reading = false;
  /// The protocol version that the receiver speaks.
  [[nodiscard]] std::uint16_t version() const noexcept { return version_; }

  template <class... Ts>
  void operator()(const Ts&... values) {
    (put(values), ...);
  }

 private:
  void put_number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out_.push_back(static_cast<char>(n | 0x80));
    out_.push_back(static_cast<char>(n));
  }
  void put(const std::string& text) {
    put_number(text.size());
    out_.append(text);
  }
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.push_back(value ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      put_number(static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      char bytes[sizeof value];
      std::memcpy(bytes, &value, sizeof value);
      out_.append(bytes, sizeof value);
    } else if constexpr (std::is_unsigned_v<T>) {
      put_number(value);
    } else if constexpr (std::is_signed_v<T>) {
      const auto wide = static_cast<std::int64_t>(value);
      put_number((static_cast<std::uint64_t>(wide) << 1) ^ static_cast<std::uint64_t>(wide >> 63));
    } else {
      auto& shared = const_cast<T&>(value);  // with the reader, which does change it
      if constexpr (requires { members(shared); })
        std::apply(*this, members(shared));
      else
        fields(*this, shared);
    }
  }
  template <class Rep, class Period>
  void put(const std::chrono::duration<Rep, Period>& d) {
    put(static_cast<std::int64_t>(d.count()));
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put_number(list.size());
    for (const auto& item : list) put(item);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& pair) {
    put(pair.first);
    put(pair.second);
  }
  template <class K, class V>
  void put(const std::map<K, V>& map) {
    put_number(map.size());
    for (const auto& entry : map) put(entry);
  }

  std::string& out_;
  std::uint16_t version_;
};

static_assert(std::endian::native == std::endian::little, "floats are sent little endian");

/// Reads what `byte_writer` wrote, from bytes that nobody vouches for: after the first byte that
/// makes no sense `ok()` is false and every further value stays as it was. Never reads past the
/// end, never allocates more than the bytes that are there account for.
class byte_reader {
 public:
  byte_reader(std::string_view in, std::uint16_t version) : in_(in), version_(version) {}
  static constexpr bool reading = true;
  [[nodiscard]] std::uint16_t version() const noexcept { return version_; }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return in_.empty(); }
  void fail() noexcept { ok_ = false; }

  template <class... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }

  /// The next `count` bytes; empty, and not ok, when there are fewer.
  [[nodiscard]] std::string_view take(std::uint64_t count) {
    if (!ok_ || count > in_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = in_.substr(0, count);
    in_.remove_prefix(count);
    return taken;
  }

 private:
  [[nodiscard]] std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take(1);
      if (!ok_) return 0;
      const auto bits = static_cast<std::uint64_t>(static_cast<unsigned char>(byte.front()));
      n |= (bits & 0x7f) << shift;
      if (bits < 0x80) return n;
    }
    ok_ = false;
    return 0;
  }
  void get(std::string& text) { text = take(number()); }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      const auto byte = take(1);
      if (ok_) value = byte.front() != 0;
    } else if constexpr (std::is_enum_v<T>) {
      const auto n = number();
      if (n > 0xff) ok_ = false;
      if (ok_) value = static_cast<T>(n);  // who switches over it has a default
    } else if constexpr (std::is_floating_point_v<T>) {
      const auto bytes = take(sizeof value);
      if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
    } else if constexpr (std::is_unsigned_v<T>) {
      const auto n = number();
      if (n != static_cast<T>(n)) ok_ = false;
      if (ok_) value = static_cast<T>(n);
    } else if constexpr (std::is_signed_v<T>) {
      const auto n = number();
      const auto wide = static_cast<std::int64_t>((n >> 1) ^ (~(n & 1) + 1));
      if (wide != static_cast<T>(wide)) ok_ = false;
      if (ok_) value = static_cast<T>(wide);
    } else {
      if constexpr (requires { members(value); })
        std::apply(*this, members(value));
      else
        fields(*this, value);
    }
  }
  template <class Rep, class Period>
  void get(std::chrono::duration<Rep, Period>& d) {
    std::int64_t count = 0;
    get(count);
    if (ok_) d = std::chrono::duration<Rep, Period>(static_cast<Rep>(count));
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    if (there && ok_) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& list) {
    list.clear();
    for (auto left = number(); left > 0 && ok_; --left) {
      if (in_.empty()) return fail();  // each item takes a byte at least
      get(list.emplace_back());
    }
  }
  template <class A, class B>
  void get(std::pair<A, B>& pair) {
    get(pair.first);
    get(pair.second);
  }
  template <class K, class V>
  void get(std::map<K, V>& map) {
    map.clear();
    for (auto left = number(); left > 0 && ok_; --left) {
      if (in_.empty()) return fail();
      std::pair<K, V> entry;
      get(entry);
      map.insert(std::move(entry));
    }
  }

  std::string_view in_;
  std::uint16_t version_;
  bool ok_ = true;
};

}  // namespace graphbit::cluster
