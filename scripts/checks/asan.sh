#!/usr/bin/env bash
# C++ tests and example services under AddressSanitizer and UndefinedBehaviorSanitizer
set -e
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:suppressions=$PWD/scripts/sanitizers/ubsan.txt
cmake --preset asan -DGRAPHBIT_APPS=OFF --log-level=WARNING
cmake --build --preset asan
ctest --preset asan --parallel "$(nproc)"
GRAPHBIT_BUILD=$PWD/build/asan .venv/bin/python -m pytest -q tests/python/test_cpp_examples.py
