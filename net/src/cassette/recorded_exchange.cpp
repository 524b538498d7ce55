#include "recorded_exchange.hpp"

#include <optional>

#include <graphbit/runtime/json_scan.hpp>
#include <graphbit/runtime/json_value.hpp>

#include "../base64.hpp"

namespace graphbit {

namespace {

// A body whose meaning survives reading and writing; others are kept to the byte.
[[nodiscard]] std::optional<json_value> as_json(std::string_view body) {
  auto value = parse_json(body);
  if (!value || (!value->is_object() && !value->is_array())) return std::nullopt;
  auto again = parse_json(to_json(*value));
  if (!again || *again != *value) return std::nullopt;
  return std::move(*value);
}

void set_body(json_value& into, std::string_view body) {
  if (body.empty()) return;
  if (auto value = as_json(body)) return into.set("body", std::move(*value));
  if (is_utf8(body)) return into.set("text", body);
  std::string encoded;
  append_base64(encoded, body);
  into.set("base64", std::move(encoded));
}

[[nodiscard]] json_value chunk_json(const std::string& chunk) {
  if (is_utf8(chunk)) return chunk;
  std::string encoded;
  append_base64(encoded, chunk);
  json_value out;
  out.set("base64", std::move(encoded));
  return out;
}

[[nodiscard]] error unreadable(std::string_view what) {
  return validation_error("line", "its " + std::string(what));
}

[[nodiscard]] expected<std::string> body_of(const json_value& of) {
  if (const auto* body = of.find("body")) return to_json(*body);
  if (const auto* encoded = of.find("base64")) {
    auto bytes = encoded->is_string() ? decode_base64(encoded->as_string()) : std::nullopt;
    if (!bytes) return fail(unreadable("\"base64\" is none"));
    return std::move(*bytes);
  }
  return of.string_or("text");
}

[[nodiscard]] expected<std::vector<std::string>> chunks_of(const json_value& list) {
  if (!list.is_array()) return fail(unreadable("\"chunks\" are no list"));
  std::vector<std::string> out;
  for (const auto& item : list.as_array()) {
    auto chunk = item.is_string() ? expected<std::string>(item.as_string()) : body_of(item);
    if (!chunk) return fail(std::move(chunk.error()));
    out.push_back(std::move(*chunk));
  }
  return out;
}

[[nodiscard]] expected<void> read_answer(const json_value& response, recorded_exchange& into) {
  const auto* status = response.find("status");
  if (status == nullptr || !status->is_int()) return fail(unreadable("\"status\" is no number"));
  into.status = static_cast<int>(status->as_int());
  if (const auto* headers = response.find("headers"); headers != nullptr && headers->is_object())
    for (const auto& [name, value] : headers->as_object())
      if (value.is_string()) into.headers.emplace_back(name, value.as_string());
  if (const auto* chunks = response.find("chunks")) {
    into.streamed = true;
    auto read = chunks_of(*chunks);
    if (!read) return fail(std::move(read.error()));
    into.chunks = std::move(*read);
    return {};
  }
  auto body = body_of(response);
  if (!body) return fail(std::move(body.error()));
  if (!body->empty()) into.chunks.push_back(std::move(*body));
  return {};
}

}  // namespace

std::string to_line(const recorded_exchange& exchange) {
  json_value request;
  request.set("method", exchange.method);
  request.set("url", exchange.url);
  set_body(request, exchange.body);
  json_value response;
  response.set("status", exchange.status);
  json_value headers{json_value::object{}};
  for (const auto& [name, value] : exchange.headers) headers.set(name, value);
  response.set("headers", std::move(headers));
  if (exchange.streamed) {
    json_value chunks{json_value::array{}};
    for (const auto& chunk : exchange.chunks) chunks.push_back(chunk_json(chunk));
    response.set("chunks", std::move(chunks));
  } else if (!exchange.chunks.empty()) {
    set_body(response, exchange.chunks.front());
  }
  json_value line;
  line.set("request", std::move(request));
  line.set("response", std::move(response));
  return to_json(line);
}

expected<recorded_exchange> from_line(std::string_view line) {
  const auto parsed = parse_json(line);
  if (!parsed) return fail(unreadable("text is no JSON: " + parsed.error().message));
  const auto* request = parsed->find("request");
  const auto* response = parsed->find("response");
  if (request == nullptr || response == nullptr)
    return fail(unreadable("object has no \"request\" and \"response\""));
  recorded_exchange out;
  out.method = request->string_or("method");
  out.url = request->string_or("url");
  auto body = body_of(*request);
  if (!body) return fail(std::move(body.error()));
  out.body = std::move(*body);
  if (auto read = read_answer(*response, out); !read) return fail(std::move(read.error()));
  return out;
}

std::string request_key(std::string_view method, std::string_view url, std::string_view body) {
  std::string key(method);
  key.append(1, ' ').append(url).append(1, '\n');
  const auto value = as_json(body);
  return value ? key + to_json(*value) : key.append(body);
}

}  // namespace graphbit
