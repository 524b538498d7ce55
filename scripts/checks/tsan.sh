#!/usr/bin/env bash
# C++ tests and example services under ThreadSanitizer, with CAF built the same way
set -e
scripts/caf_tsan.sh
# Some tests fork while threads run, and their children start threads of their own.
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:die_after_fork=0
cmake --preset tsan -DGRAPHBIT_APPS=OFF --log-level=WARNING "-DCAF_ROOT=$PWD/build/caf-tsan"
cmake --build --preset tsan
ctest --preset tsan --parallel "$(nproc)"
GRAPHBIT_BUILD=$PWD/build/tsan .venv/bin/python -m pytest -q tests/python/test_cpp_examples.py
