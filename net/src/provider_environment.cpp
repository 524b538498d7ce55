#include <graphbit/net/provider_environment.hpp>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace graphbit {

namespace {

/// Names beside the one in the table.
struct variable {
  std::string_view provider;
  const char* parameter;  ///< nullptr: the key
  std::string_view name;
};
constexpr variable more_variables[] = {
    {"gemini", nullptr, "GEMINI_API_KEY"},
    {"huggingface", nullptr, "HUGGING_FACE_HUB_TOKEN"},
    {"openai", "organization", "OPENAI_ORG_ID"},
    {"openai", "project", "OPENAI_PROJECT_ID"},
    {"azurellm", "api_version", "OPENAI_API_VERSION"},
    {"azure", "api_version", "OPENAI_API_VERSION"},
};

std::string value_of(std::string_view name) {
  if (name.empty()) return {};
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::string{} : std::string(value);
}

/// Ollama's own convention: "host", ":port", "host:port/path" or a whole URL; the port is 11434
/// unless a scheme is given.
std::string url_from_ollama_host(std::string host) {
  if (host.empty() || host.find("://") != std::string::npos) return host;
  if (host.front() == ':') host.insert(0, "127.0.0.1");
  const std::size_t path = std::min(host.find('/'), host.size());
  const std::size_t after_ipv6 = host.front() == '[' ? host.find(']') : 0;
  if (host.find(':', after_ipv6) >= path) host.insert(path, ":11434");
  return "http://" + host;
}

}  // namespace

secret key_from_environment(const provider_row& row) {
  std::string key = value_of(row.key_environment);
  for (const variable& more : more_variables)
    if (key.empty() && more.provider == row.name && more.parameter == nullptr)
      key = value_of(more.name);
  return secret(std::move(key));
}

std::string key_variables(const provider_row& row) {
  std::string names(row.key_environment);
  for (const variable& more : more_variables)
    if (more.provider == row.name && more.parameter == nullptr)
      names.append(" or ").append(more.name);
  return names;
}

std::string base_url_from_environment(const provider_row& row) {
  std::string url = value_of(row.base_url_environment);
  if (row.name == "ollama") return url_from_ollama_host(std::move(url));
  // Anthropic's and Google's own clients add the version to what these variables say.
  if (url.empty() || (row.name != "anthropic" && row.name != "gemini")) return url;
  while (!url.empty() && url.back() == '/') url.pop_back();
  const std::string_view version = row.base_url.substr(row.base_url.rfind('/'));
  return url.ends_with(version) ? url : url.append(version);
}

std::map<std::string, std::string> parameters_from_environment(const provider_row& row) {
  std::map<std::string, std::string> parameters;
  for (const variable& more : more_variables)
    if (more.provider == row.name && more.parameter != nullptr)
      if (auto value = value_of(more.name); !value.empty())
        parameters.emplace(more.parameter, std::move(value));
  return parameters;
}

}  // namespace graphbit
