#include "src/wire/provider_error.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <graphbit/runtime/json_scan.hpp>

#include "src/json_reader.hpp"

namespace graphbit {

namespace {

constexpr std::size_t excerpt_bytes_max = 200;
constexpr std::size_t words_bytes_max = 4096;  // a provider may echo the whole prompt

/// The front of a text on one line, cut between characters.
std::string first_line_of(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    while (bytes_max > 0 && (text[bytes_max] & 0xc0) == 0x80) --bytes_max;
    text = text.substr(0, bytes_max);
  }
  const bool readable = is_utf8(text);
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      c = ' ';
    else if (byte > 0x7f && !readable)
      c = '?';
  }
  return out;
}

/// A message that may also be an object or a list (Mistral, FastAPI): then its text as it stands.
void read_message(json_reader& reader, std::string& out) {
  if (reader.peek() == json_reader::type::string)
    out = reader.string();
  else if (reader.peek() == json_reader::type::null)
    reader.skip();
  else
    out = reader.raw();
}

void read_code(json_reader& reader, std::string& out) {
  if (reader.peek() == json_reader::type::number)
    out = reader.raw();
  else
    reader.read(out);
}

/// A QuotaFailure's {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}.
void read_violations(json_reader& reader, provider_words& words) {
  reader.array([&] {
    reader.object([&](std::string_view key) {
      if (key != "quotaId") return reader.skip();
      const auto id = reader.string();
      words.daily_quota = words.daily_quota || id.find("PerDay") != std::string_view::npos;
    });
  });
}

/// Google's details: an ErrorInfo's {"reason": "API_KEY_INVALID"}, a RetryInfo's
/// {"retryDelay": "34.07s"}, a QuotaFailure's violations.
void read_details(json_reader& reader, provider_words& words) {
  reader.array([&] {
    reader.object([&](std::string_view key) {
      if (key == "reason") return reader.read(words.reason);
      if (key == "violations") return read_violations(reader, words);
      if (key != "retryDelay") return reader.skip();
      std::string text(reader.string());
      if (text.empty() || text.back() != 's') return;
      text.pop_back();
      json_reader number(text);
      const double delay_s = number.number();
      if (number.finish() && delay_s >= 0 && delay_s < 1e6)
        words.retry_after = milliseconds{static_cast<std::int64_t>(delay_s * 1000)};
    });
  });
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Quota and billing: waiting a minute does not help.
bool is_quota(int status, const provider_words& words) {
  if (status == 402) return true;
  if (status != 429) return false;
  // Google calls every limit a quota, and says when the ones of a minute are free again.
  if (words.retry_after && !words.daily_quota) return false;
  constexpr std::string_view marks[] = {"insufficient_quota", "billing", "credit balance",
                                        "exceeded your current quota", "insufficient_balance"};
  return std::any_of(std::begin(marks), std::end(marks), [&](std::string_view mark) {
    return holds(words.code, mark) || holds(words.type, mark) || holds(words.message, mark);
  });
}

/// What a page in place of JSON means; "" for all else.
std::string_view page_hint(std::string_view body) {
  for (const std::string_view mark : {"<html", "<HTML", "<!DOCTYPE", "<!doctype"})
    if (holds(body, mark))
      return "an HTML page and no JSON, as a proxy or a wrong base_url gives: ";
  return {};
}

std::string_view hint_for(int status, bool quota) {
  if (quota) return " (check the plan and billing of this key)";
  switch (status) {
    case 401:
      return " (check the API key)";
    case 403:
      return " (check what this API key may use)";
    case 404:
      return " (check the model name and base_url)";
    case 413:
      return " (send less in one request)";
    default:
      return status >= 300 && status < 400 ? " (redirects are not followed: check base_url)" : "";
  }
}

std::string sentence(const provider_config& config, int status, const provider_words& words,
                     bool quota) {
  std::string text = config.provider + " - API error";
  if (status != 0) text += " (HTTP " + std::to_string(status) + ")";
  text += ": ";
  text += words.message.empty() ? "no message" : first_line_of(words.message, words_bytes_max);
  const std::string& name = words.code.empty() ? words.type : words.code;
  if (!name.empty() && !holds(words.message, name)) text += " [" + name + "]";
  return redact(text.append(hint_for(status, quota)), config.api_key);
}

/// The HTTP status that an error inside a 2xx answer would have had.
int status_inside(const provider_words& words) {
  static constexpr std::pair<std::string_view, int> by_name[] = {
      {"billing", 402},           {"insufficient_quota", 429},      {"rate_limit", 429},
      {"too_many_requests", 429}, {"RESOURCE_EXHAUSTED", 429},      {"overloaded", 529},
      {"invalid_api_key", 401},   {"authentication", 401},          {"UNAUTHENTICATED", 401},
      {"permission", 403},        {"PERMISSION_DENIED", 403},       {"not_found", 404},
      {"NOT_FOUND", 404},         {"request_too_large", 413},       {"invalid_request", 400},
      {"INVALID_ARGUMENT", 400},  {"context_length_exceeded", 400}, {"content_filter", 400},
      {"timeout", 504},
  };
  if (words.code.size() == 3 && words.code[0] >= '4' && words.code[0] <= '5')
    return std::atoi(words.code.c_str());
  for (const auto& [name, status] : by_name)
    if (holds(words.code, name) || holds(words.type, name)) return status;
  return 500;
}

void apply_quota(error& e, bool quota) {
  if (!quota) return;
  e.retry = retry_rule::never;
  e.breaker = breaker_rule::ignored;
}

/// The server may overrule the retry rule of a status in either direction.
void apply_hints(error& e, const http_headers& headers) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  e.retry_after = retry_after(headers, std::chrono::duration_cast<seconds>(now).count());
  const std::string_view should = headers.get("x-should-retry");
  if (should == "true") e.retry = retry_rule::transient;
  if (should == "false") e.retry = retry_rule::never;
}

}  // namespace

void read_word(json_reader& reader, std::string_view key, provider_words& words) {
  if (key == "message")
    read_message(reader, words.message);
  else if (key == "type" || key == "status")
    read_code(reader, words.type);
  else if (key == "code")
    read_code(reader, words.code);
  else if (key == "details")
    read_details(reader, words);
  else
    reader.skip();
}

void read_words(json_reader& reader, provider_words& words) {
  switch (reader.peek()) {
    case json_reader::type::object:
      return reader.object([&](std::string_view key) { read_word(reader, key, words); });
    case json_reader::type::array:
      return reader.array([&] { read_words(reader, words); });
    default:
      return reader.read(words.message);
  }
}

provider_words find_words(std::string_view body) {
  provider_words words, outer;
  std::string text(body);
  json_reader reader(text);
  const auto read_body = [&] {
    reader.object([&](std::string_view key) {
      if (key == "error")
        read_words(reader, words);
      else if (key == "detail" || key == "title")
        read_message(reader, outer.message);
      else
        read_word(reader, key, outer);
    });
  };
  if (reader.peek() == json_reader::type::array)
    reader.array(read_body);  // Gemini's streams
  else
    read_body();
  if (!reader.finish()) {
    return {std::string(page_hint(body)) + first_line_of(body, excerpt_bytes_max), {}, {}};
  }
  return words.empty() ? outer : words;
}

error refused(const provider_config& config, const http_response& response,
              const provider_words& words) {
  // Google answers 400 to a wrong key.
  const int status = words.reason == "API_KEY_INVALID" ? 401 : response.status;
  const bool quota = is_quota(status, words);
  error e = error_from_status(status, config.provider, sentence(config, status, words, quota));
  e.status = response.status;
  apply_hints(e, response.headers);
  if (!e.retry_after) e.retry_after = words.retry_after;
  apply_quota(e, quota);
  e.request_id = request_id_of(response.headers);
  return e;
}

error refused_inside(const provider_config& config, const provider_words& words,
                     std::string partial_text) {
  const int status = status_inside(words);
  const bool quota = is_quota(status, words);
  error e = error_from_status(status, config.provider, sentence(config, 0, words, quota));
  apply_quota(e, quota);
  e.partial_text = std::move(partial_text);
  return e;
}

std::string front_of(const provider_config& config, std::string_view body) {
  return std::string(body.substr(0, excerpt_bytes_max + config.api_key.expose().size()));
}

error not_understood(const provider_config& config, std::string_view why, std::string_view body) {
  error e = core_error(config.provider + " - " + std::string(why) + ": " +
                       std::string(page_hint(body)) + excerpt(config, body));
  e.provider = config.provider;
  e.retry = retry_rule::once;
  e.breaker = breaker_rule::counts;
  return e;
}

error cut_short(const provider_config& config, std::string partial_text) {
  error e = network_error(config.provider + " - the stream ended before the answer was complete");
  e.provider = config.provider;
  e.partial_text = std::move(partial_text);
  return e;
}

error no_embeddings(const provider_config& config) {
  return configuration_error("provider",
                             config.provider + " has no embeddings: use another provider for them");
}

std::string request_id_of(const http_headers& headers) {
  for (const std::string_view name :
       {"x-request-id", "request-id", "apim-request-id", "x-goog-request-id"})
    if (const auto id = headers.get(name); !id.empty()) return std::string(id);
  return {};
}

std::string excerpt(const provider_config& config, std::string_view text) {
  // Cut after the key was taken out: half a key must not stay at the end.
  return first_line_of(redact(front_of(config, text), config.api_key), excerpt_bytes_max);
}

}  // namespace graphbit
