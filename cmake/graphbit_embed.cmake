# graphbit_embed_page(TARGET FILE): builds FILE into TARGET as `graphbit::dashboard_page()`.
function(graphbit_embed_page target file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} page)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/dashboard_page.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include "src/dashboard_page.hpp"

namespace graphbit {

std::string_view dashboard_page() noexcept {
  static constexpr char text[] = R"page(@page@)page";
  return {text, sizeof text - 1};
}

}  // namespace graphbit
]])
  target_sources(${target} PRIVATE ${source})
endfunction()
