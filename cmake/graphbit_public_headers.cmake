# What embedders see of the public headers, checked by the target `check_headers`:
# - the default headers bring in no header of CAF, Boost or RapidJSON, however deep;
# - all headers together are clean under -Wconversion.
# The optional headers bring CAF or Boost in, and say so in their first lines.
set(graphbit_optional_headers
  graphbit/runtime/caf.hpp graphbit/runtime/caf_error.hpp graphbit/runtime/pinned_actor.hpp
  graphbit/runtime/reactor.hpp graphbit/actors/actor_interfaces.hpp graphbit/actors/asio.hpp
  graphbit/actors/pending_call.hpp graphbit/actors/provider_client_impl.hpp
  graphbit/actors/supervisor.hpp)

set(all_includes "")
set(default_includes "")
set(include_options "")
foreach(room runtime net actors cluster)
  list(APPEND include_options -I${PROJECT_SOURCE_DIR}/${room}/include)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/${room}/include
       ${PROJECT_SOURCE_DIR}/${room}/include/*.hpp)
  foreach(header IN LISTS headers)
    string(APPEND all_includes "#include <${header}>\n")
    if(NOT header IN_LIST graphbit_optional_headers)
      string(APPEND default_includes "#include <${header}>\n")
    endif()
  endforeach()
endforeach()
# Written only when it changes: it would be compiled again each time.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/check_headers/default_headers.cpp CONTENT "${default_includes}")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/check_headers/all_headers.cpp CONTENT "${all_includes}")

add_custom_target(check_default_headers
  COMMAND ${CMAKE_COMMAND} "-DCOMPILE=${CMAKE_CXX_COMPILER};-std=c++20;-E;${include_options}"
          -DUNIT=${PROJECT_BINARY_DIR}/check_headers/default_headers.cpp
          -P ${PROJECT_SOURCE_DIR}/cmake/check_default_headers.cmake
  COMMENT "The default public headers bring in no CAF, Boost or RapidJSON" VERBATIM)
add_library(check_all_headers OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/check_headers/all_headers.cpp)
target_link_libraries(check_all_headers PRIVATE graphbit::cluster graphbit_warnings)
target_compile_options(check_all_headers PRIVATE -Wconversion -Werror)
add_dependencies(check_headers check_default_headers check_all_headers)
