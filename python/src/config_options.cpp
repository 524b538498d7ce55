#include "config_options.hpp"

#include <pybind11/stl.h>

#include <map>

#include "error_translation.hpp"
#include "keyword_arguments.hpp"
#include "strict_arguments.hpp"
#include "text_or_none.hpp"

namespace graphbit::python {

namespace {

using config = provider_config;
using name_of_option = const char*;

struct config_option {
  name_of_option name;
  void (*set)(config&, py::handle value, name_of_option name);  ///< never with None
  py::object (*get)(const config&);                             ///< None: as by default
};

py::object in_seconds(milliseconds time) {
  return py::float_(static_cast<double>(time.count()) / 1000);
}

template <class Value>
py::object or_none(const std::optional<Value>& value) {
  return value ? py::object(py::int_(*value)) : py::object(py::none());
}

seconds whole_seconds(py::handle value, name_of_option name) {
  const milliseconds given = *optional_seconds_argument(value, name);
  return std::max(seconds(1), std::chrono::ceil<seconds>(given));
}

std::vector<std::pair<std::string, std::string>> headers_argument(py::handle value,
                                                                  name_of_option name) {
  if (!PyDict_Check(value.ptr())) raise_wrong_type(value, name, "cannot be converted to 'PyDict'");
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& [key, line] : py::reinterpret_borrow<py::dict>(value))
    lines.emplace_back(text_argument(key, name), text_argument(line, name));
  return lines;
}

py::object own_base_url(const config& c) {
  const provider_row* const row = find_provider(c.provider);
  return text_or_none(row != nullptr && c.base_url == row->base_url ? std::string() : c.base_url);
}

py::object headers_object(const config& c) {
  if (c.extra_headers.empty()) return py::none();
  return py::cast(
      std::map<std::string, std::string>(c.extra_headers.begin(), c.extra_headers.end()));
}

// Rows for members of one type: how they are read, and shown again.
template <auto Member>
constexpr config_option duration_option(name_of_option name) {
  return {name,
          [](config& c, py::handle v, name_of_option n) {
            c.*Member = *optional_seconds_argument(v, n);
          },
          [](const config& c) { return in_seconds(c.*Member); }};
}

template <auto Member>
constexpr config_option count_option(name_of_option name) {
  return {
      name,
      [](config& c, py::handle v, name_of_option n) { c.*Member = optional_u32_argument(v, n); },
      [](const config& c) { return or_none(c.*Member); }};
}

template <auto Member>
constexpr config_option flag_option(name_of_option name) {
  return {name, [](config& c, py::handle v, name_of_option n) { c.*Member = bool_argument(v, n); },
          [](const config& c) -> py::object { return py::bool_(c.*Member); }};
}

template <auto Member>
constexpr config_option tls_file_option(name_of_option name) {
  return {name,
          [](config& c, py::handle v, name_of_option n) { c.tls.*Member = path_argument(v, n); },
          [](const config& c) { return text_or_none(c.tls.*Member); }};
}

constexpr config_option config_options[] = {
    {"base_url",
     [](config& c, py::handle v, name_of_option n) { c.base_url = text_argument(v, n); },
     own_base_url},
    duration_option<&config::call_timeout>("timeout_s"),
    {"connect_timeout_s",
     [](config& c, py::handle v, name_of_option n) {
       c.connect_timeout = c.tls_timeout = *optional_seconds_argument(v, n);
     },
     [](const config& c) { return in_seconds(c.connect_timeout); }},
    {"first_byte_timeout_s",
     [](config& c, py::handle v, name_of_option n) {
       c.first_byte_timeout = optional_seconds_argument(v, n);
     },
     [](const config& c) {
       return c.first_byte_timeout ? in_seconds(*c.first_byte_timeout) : py::object(py::none());
     }},
    duration_option<&config::idle_timeout>("idle_timeout_s"),
    count_option<&config::max_retries>("max_retries"),
    count_option<&config::max_in_flight>("max_in_flight"),
    count_option<&config::rpm>("rpm"),
    {"tpm",
     [](config& c, py::handle v, name_of_option n) { c.tpm = optional_unsigned_argument(v, n); },
     [](const config& c) { return or_none(c.tpm); }},
    flag_option<&config::hedge>("hedge"),
    flag_option<&config::adaptive_in_flight>("adaptive_in_flight"),
    {"response_cache_max_age_s",
     [](config& c, py::handle v, name_of_option n) {
       c.response_cache_max_age = whole_seconds(v, n);
     },
     [](const config& c) {
       return c.response_cache_max_age ? in_seconds(*c.response_cache_max_age)
                                       : py::object(py::none());
     }},
    {"extra_headers",
     [](config& c, py::handle v, name_of_option n) { c.extra_headers = headers_argument(v, n); },
     headers_object},
    {"extra_body",
     [](config& c, py::handle v, name_of_option n) { c.extra_body = json_object_argument(v, n); },
     [](const config& c) { return text_or_none(c.extra_body); }},
    {"token_limit_field",
     [](config& c, py::handle v, name_of_option n) { c.token_limit_field = text_argument(v, n); },
     [](const config& c) -> py::object { return py::str(c.token_limit_field); }},
    {"tls_verify",
     [](config& c, py::handle v, name_of_option n) { c.tls.verify = bool_argument(v, n); },
     [](const config& c) -> py::object { return py::bool_(c.tls.verify); }},
    tls_file_option<&tls_options::ca_file>("tls_ca_file"),
    tls_file_option<&tls_options::client_cert_file>("tls_client_cert_file"),
    tls_file_option<&tls_options::client_key_file>("tls_client_key_file"),
};

}  // namespace

void set_config_options(provider_config& config, py::handle options) {
  keyword_arguments given(options);
  for (const config_option& option : config_options)
    if (const py::handle value = given.take(option.name); !value.is_none())
      option.set(config, value, option.name);
  given.refuse_others();
}

py::dict config_options_of(const provider_config& config) {
  py::dict options;
  for (const config_option& option : config_options)
    if (py::object value = option.get(config); !value.is_none()) options[option.name] = value;
  return options;
}

}  // namespace graphbit::python
