#!/usr/bin/env bash
# the public headers under clang with -Wconversion, each warning an error, and the consumers' projects built by it
set -e
cmake --build --preset release --target check_headers graphbit_cluster
rooms=(runtime net actors cluster)
options=(-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Werror -Wno-missing-field-initializers
  -DBOOST_ASIO_DISABLE_CONCEPTS)
for room in "${rooms[@]}"; do options+=("-I$room/include"); done
clang++-14 "${options[@]}" build/release/check_headers/all_headers.cpp

tree=build/clang_consumer
cmake --install build/release --component development --prefix $tree/prefix >/dev/null
cmake -S tests/consumer -B $tree -G Ninja -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_PREFIX_PATH="$PWD/$tree/prefix" \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache --log-level=WARNING
cmake --build $tree
.venv/bin/python - $tree/two_steps $tree/embedder <<'PROGRAM'
import subprocess, sys
from graphbit.testing import Simulator
with Simulator() as simulator:
    for program in sys.argv[1:]:
        subprocess.run([program, simulator.url + "/v1"], check=True, timeout=60)
PROGRAM
