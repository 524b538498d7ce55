# cmake -DCOMPILE=compiler;option... -DUNIT=file -P: fails when the preprocessed unit has been in a
# header of CAF, Boost or RapidJSON, and names the first one.
execute_process(COMMAND ${COMPILE} ${UNIT} OUTPUT_VARIABLE text RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${UNIT} cannot be preprocessed")
endif()
string(REGEX MATCH "\n# [0-9]+ \"[^\"]*/(caf|boost|rapidjson)/[^\"]*\"" found "${text}")
if(found)
  string(STRIP "${found}" found)
  message(FATAL_ERROR "a default public header brings this in:\n  ${found}\n"
    "Keep it out, or add the header to graphbit_optional_headers in cmake/graphbit_public_headers.cmake.")
endif()
