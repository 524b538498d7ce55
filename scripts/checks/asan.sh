#!/usr/bin/env bash
# C++ tests and example services under AddressSanitizer and UndefinedBehaviorSanitizer
# Left out (preset asan): null, alignment, object-size and vptr. They look at every access to a
# member, which takes three times as long to compile, report CAF 0.17's own liberties, and of what
# they see AddressSanitizer stops at what does harm.
set -e
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:suppressions=$PWD/scripts/sanitizers/ubsan.txt
cmake --preset asan --log-level=WARNING
cmake --build --preset asan
ctest --preset asan --parallel "$(nproc)"
GRAPHBIT_BUILD=$PWD/build/asan .venv/bin/python -m pytest -q tests/python/test_cpp_examples.py
