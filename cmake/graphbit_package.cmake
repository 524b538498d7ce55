# What `cmake --install` adds for C++ users: find_package(graphbit) gives graphbit::actors (and the
# rooms under it). The component is named so that a Python wheel can leave it out.
include(CMakePackageConfigHelpers)
set(graphbit_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/graphbit)

install(EXPORT graphbitTargets NAMESPACE graphbit:: DESTINATION ${graphbit_package_dir}
  COMPONENT development)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/graphbitConfig.cmake.in
  ${PROJECT_BINARY_DIR}/graphbitConfig.cmake INSTALL_DESTINATION ${graphbit_package_dir})
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/graphbitConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/graphbitConfig.cmake
  ${PROJECT_BINARY_DIR}/graphbitConfigVersion.cmake ${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake
  DESTINATION ${graphbit_package_dir} COMPONENT development)
