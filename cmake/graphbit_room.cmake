# graphbit_add_room(NAME [DEPENDS target...] [PRIVATE_DEPENDS target...])
# A room is a static library `graphbit::NAME` made of NAME/src/*.cpp (and NAME/src/*/*.cpp) with the
# door NAME/include. Every public header is also compiled on its own by the target `check_headers`.
function(graphbit_add_room name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/src/*.cpp
       ${PROJECT_SOURCE_DIR}/${name}/src/*/*.cpp)
  set(target graphbit_${name})
  add_library(${target} STATIC ${sources})
  add_library(graphbit::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/${name}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/${name})
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:graphbit_warnings> ${ARG_PRIVATE_DEPENDS})
  install(TARGETS ${target} EXPORT graphbitTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${name}/include/ DESTINATION include COMPONENT development)
  graphbit_check_headers(${name} ${target})
endfunction()

# One empty translation unit per public header: it must compile with nothing before it.
function(graphbit_check_headers name target)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/${name}/include
       ${PROJECT_SOURCE_DIR}/${name}/include/*.hpp)
  set(units)
  foreach(header IN LISTS headers)
    string(REPLACE "/" "_" unit ${header})
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/check_headers/${unit}.cpp)
    if(NOT EXISTS ${unit})
      file(WRITE ${unit} "#include <${header}>\n#include <${header}>\n")
    endif()
    list(APPEND units ${unit})
  endforeach()
  if(units)
    add_library(check_headers_${name} OBJECT EXCLUDE_FROM_ALL ${units})
    target_link_libraries(check_headers_${name} PRIVATE ${target} graphbit_warnings)
    add_dependencies(check_headers check_headers_${name})
  endif()
endfunction()

# graphbit_add_tests(ROOM target... [TOGETHER filter]): one GoogleTest program from tests/ROOM/*.cpp.
# Each test runs in a process of its own, but those of the filter in one: they share a server.
function(graphbit_add_tests room)
  cmake_parse_arguments(ARG "" "TOGETHER" "" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${room}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${room} ${sources})
  # ${room}: tests include a room's private headers as <src/x.hpp>
  target_include_directories(test_${room} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/${room})
  # Tests are compiled far more often than run: a third of the compile time goes into -O3.
  target_compile_options(test_${room} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(GRAPHBIT_SANITIZE MATCHES undefined)
    # It is the product that is looked at: for tests that would double the compile time.
    target_compile_options(test_${room} PRIVATE -fno-sanitize=undefined)
  endif()
  target_link_libraries(test_${room} PRIVATE ${ARG_UNPARSED_ARGUMENTS} graphbit_warnings GTest::gmock
                        GTest::gtest_main)
  set(seconds 120)
  if(GRAPHBIT_SANITIZE)
    set(seconds 900)  # ThreadSanitizer makes everything ten times slower
  endif()
  set(alone "*")
  if(ARG_TOGETHER)
    set(alone "-${ARG_TOGETHER}")
    add_test(NAME ${room}.together COMMAND test_${room} --gtest_filter=${ARG_TOGETHER})
    math(EXPR together "3 * ${seconds}")
    set_tests_properties(${room}.together PROPERTIES TIMEOUT ${together})
  endif()
  gtest_discover_tests(test_${room} TEST_PREFIX ${room}. TEST_FILTER ${alone} DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${seconds})
endfunction()
