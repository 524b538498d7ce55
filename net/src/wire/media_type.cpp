#include "src/wire/media_type.hpp"

#include <algorithm>

namespace graphbit {

namespace {

struct known {
  std::string_view mark;
  std::string_view media_type;
};

constexpr known beginnings[] = {
    {"\x89PNG\r\n\x1a\n", "image/png"},
    {"\xff\xd8\xff", "image/jpeg"},
    {"GIF87a", "image/gif"},
    {"GIF89a", "image/gif"},
    {"%PDF-", "application/pdf"},
};

constexpr known endings[] = {
    {".png", "image/png"},         {".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},         {".webp", "image/webp"},     {".heic", "image/heic"},
    {".heif", "image/heif"},       {".pdf", "application/pdf"}, {".txt", "text/plain"},
    {".md", "text/markdown"},      {".csv", "text/csv"},        {".html", "text/html"},
    {".json", "application/json"},
};

std::string_view by_beginning(std::string_view bytes) {
  for (const known& k : beginnings)
    if (bytes.starts_with(k.mark)) return k.media_type;
  if (bytes.starts_with("RIFF") &&
      bytes.substr(std::min<std::size_t>(8, bytes.size())).starts_with("WEBP"))
    return "image/webp";
  return {};
}

bool ends_with_letters(std::string_view name, std::string_view ending) {
  if (name.size() < ending.size()) return false;
  return std::equal(ending.begin(), ending.end(),
                    name.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char want, char c) { return want == (c >= 'A' && c <= 'Z' ? c + 32 : c); });
}

std::string_view by_ending(std::string_view name) {
  for (const known& k : endings)
    if (ends_with_letters(name, k.mark)) return k.media_type;
  return {};
}

}  // namespace

std::string_view media_type_of(const content_part& part) noexcept {
  using kind = content_part::kind;
  if (!part.media_type.empty()) return part.media_type;
  const std::string_view data = part.data;
  if (part.type == kind::image_url || part.type == kind::file_url)
    return by_ending(data.substr(0, data.find_first_of("?#")));
  const auto found = by_beginning(data);
  return found.empty() ? by_ending(part.name) : found;
}

}  // namespace graphbit
