#!/usr/bin/env bash
# the C++ API reference by Doxygen, each warning an error
set -e
mkdir -p build
doxygen docs/Doxyfile
