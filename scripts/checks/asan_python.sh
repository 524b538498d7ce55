#!/usr/bin/env bash
# Python tests, with extension and command under AddressSanitizer and UndefinedBehaviorSanitizer
# Arguments go to pytest.
set -e
python=$PWD/.venv/bin/python
cmake --preset asan -DGRAPHBIT_PYTHON=ON "-DPython_EXECUTABLE=$python" \
  "-Dpybind11_DIR=$("$python" -m pybind11 --cmakedir)" --log-level=WARNING
cmake --build --preset asan --target graphbit_native graphbit_command

# The package as it is in the tree, with these two inside, goes before the one in .venv.
package=$PWD/build/asan/package reports=$PWD/build/asan/reports
rm -rf "$package" "$reports"
mkdir -p "$package" "$reports"
cp -r python/graphbit "$package"
cp build/asan/python/_core.*.so "$package/graphbit"
install -D build/asan/apps/graphbit "$package/graphbit/bin/graphbit"

# Reports go to files, since many tests start processes whose output nobody sees. No look for leaks:
# CPython keeps much to its end. libstdc++: else the sanitizer finds no __cxa_throw in a C program.
export ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=1:log_path=$reports/asan
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$reports/ubsan
UBSAN_OPTIONS+=:suppressions=$PWD/scripts/sanitizers/ubsan.txt
export GRAPHBIT_COMMAND=$package/graphbit/bin/graphbit
failed=0
PYTHONPATH=$package PYTHONMALLOC=malloc \
  LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so.6)" \
  "$python" -m pytest -q "${@:-tests/python}" || failed=1
cat "$reports"/* 2>/dev/null && failed=1
exit $failed
