#include "src/svg_text.hpp"

namespace graphbit {

std::string_view colour_of(node_status status) noexcept {
  switch (status) {
    case node_status::completed:
      return "#2f8f5b";
    case node_status::failed:
      return "#c8372d";
    case node_status::skipped:
      return "#b4b8be";
    case node_status::cancelled:
      return "#d79a2b";
    case node_status::running:
      return "#3f78b5";
    case node_status::pending:
      return "#dfe2e6";
  }
  return "#dfe2e6";
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  return out;
}

std::string shortened(std::string_view text, std::size_t points_max) {
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts && points++ == points_max) return std::string(text.substr(0, i)) + "…";
  }
  return std::string(text);
}

}  // namespace graphbit
