# pkg-config files, one per room: `pkg-config --cflags --libs graphbit-actors`. The rooms are static
# libraries, so what they need is named openly. Files find their prefix from where they lie.
string(REGEX REPLACE "[^/]+" ".." up ${CMAKE_INSTALL_LIBDIR})
function(graphbit_add_pkg_config room description)
  cmake_parse_arguments(ARG "" "" "REQUIRES;LIBS;CFLAGS" ${ARGN})
  list(JOIN ARG_REQUIRES ", " requires)
  list(JOIN ARG_LIBS " " libs)
  list(JOIN ARG_CFLAGS " " cflags)
  set(file ${PROJECT_BINARY_DIR}/graphbit-${room}.pc)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/graphbit.pc.in ${file} @ONLY)
  install(FILES ${file} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endfunction()

graphbit_add_pkg_config(runtime "The ground of graphbit: errors, JSON values, log, the runtime"
  REQUIRES spdlog LIBS -lcaf_core -lpthread CFLAGS -DBOOST_ASIO_DISABLE_CONCEPTS)
graphbit_add_pkg_config(net "HTTP and the wires of language model providers"
  REQUIRES graphbit-runtime openssl zlib libbrotlidec libzstd)
graphbit_add_pkg_config(actors "LLM workflows on actors" REQUIRES graphbit-net re2)
graphbit_add_pkg_config(cluster "What outlives a process, and many machines"
  REQUIRES graphbit-actors sqlite3 libzstd LIBS -lcaf_openssl -lcaf_io)
