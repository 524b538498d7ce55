#!/usr/bin/env bash
# the public headers and the consumers' programs under clang, with -Wconversion, each warning an error
set -e
cmake --build --preset release --target check_headers
rooms=(runtime net actors cluster)
options=(-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Werror -Wno-missing-field-initializers
  -DBOOST_ASIO_DISABLE_CONCEPTS)
for room in "${rooms[@]}"; do options+=("-I$room/include"); done
for unit in build/release/check_headers/all_headers.cpp examples/cpp/two_steps.cpp tests/consumer/embedder.cpp; do
  clang++-14 "${options[@]}" "$unit"
done
