#!/usr/bin/env bash
# The heavy checks, beyond scripts/test.sh. Every one that exists runs; what is not there yet is named.
# Usage: scripts/check_all.sh [NAME...]      default: all of them
#        scripts/check_all.sh --list         names them
set -uo pipefail
cd "$(dirname "$0")/.."

declare -A about=(
  [test]="what CI runs: scripts/test.sh"
  [asan]="C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer"
  [tsan]="C++ tests under ThreadSanitizer, with CAF built the same way"
  [seeds]="20,000 seeds of the resilience simulation, every promise checked at every step"
  [tidy]="clang-tidy, each finding an error"
  [fuzz]="every parser and wire under libFuzzer, some seconds each"
  [types]="mypy --strict and stubtest on the Python package"
  [pythons]="the Python tests on every CPython from 3.9 to 3.13 found here"
  [wheel]="a wheel, installed and imported in an environment of its own"
  [soak]="load with faults for two minutes: every call answered once, nothing grows"
  [bench]="the comparison with peers, quick"
)
order=(test asan tsan seeds tidy fuzz types pythons wheel soak bench)
not_there_yet=(
  "cluster simulation seeds" "network faults between machines"
  "wheels in an older Debian root" "Debian package"
)

sanitized() { # preset, CMake options...
  local preset=$1
  shift
  cmake --preset "$preset" -DGRAPHBIT_EXAMPLES=OFF -DGRAPHBIT_APPS=OFF --log-level=WARNING "$@" &&
    cmake --build --preset "$preset" &&
    ctest --preset "$preset" --parallel "$(nproc)"
}
check_test() { scripts/test.sh; }
check_asan() {
  UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:suppressions=$PWD/scripts/sanitizers/ubsan.txt sanitized asan
}
check_tsan() {
  scripts/caf_tsan.sh &&
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 sanitized tsan "-DCAF_ROOT=$PWD/build/caf-tsan"
}
check_seeds() {
  cmake --build --preset release --target graphbit_simulate && build/release/tests/simulation/graphbit_simulate 1 20000
}
check_tidy() { cmake --preset tidy --log-level=WARNING && cmake --build --preset tidy; }
check_fuzz() { cmake --preset fuzz --log-level=WARNING && cmake --build --preset fuzz && ctest --preset fuzz; }
check_types() {
  .venv/bin/python -m mypy --strict python/graphbit && .venv/bin/python -m mypy.stubtest graphbit
}
check_pythons() {
  local version python home
  for version in 3.9 3.10 3.11 3.12 3.13; do
    python=$(command -v "python$version") && "$python" -c 'import venv' 2>/dev/null || { echo "python$version: not here"; continue; }
    echo "-- Python $version"
    home=build/pythons/$version
    [ -x "$home/bin/python" ] || "$python" -m venv "$home" || return 1
    "$home/bin/pip" install --quiet -r requirements/build.txt -r requirements/test.txt -r requirements/examples.txt &&
      "$home/bin/pip" install --quiet --no-deps --no-build-isolation "-Cbuild-dir=build/py$version" . &&
      "$home/bin/python" -m pytest tests/python -q || return 1
  done
}
check_wheel() {
  rm -rf build/wheel && mkdir -p build/wheel &&
    .venv/bin/pip wheel --quiet --no-deps --no-build-isolation -Cbuild-dir=build/release -w build/wheel . &&
    python3 -m venv build/wheel/venv && build/wheel/venv/bin/pip install --quiet build/wheel/*.whl &&
    build/wheel/venv/bin/python -c 'import graphbit; print(graphbit.version())'
}
check_soak() { .venv/bin/python tests/soak/soak.py --seconds 120; }
check_bench() { .venv/bin/python bench/compare.py --quick; }

if [ "${1-}" = --list ]; then
  for name in "${order[@]}"; do printf '%-8s %s\n' "$name" "${about[$name]}"; done
  exit 0
fi
[ $# -eq 0 ] || order=("$@")
for name in "${order[@]}"; do
  [ -n "${about[$name]-}" ] || { echo "check_all.sh: no check called $name (see --list)" >&2; exit 2; }
done

scripts/deps.sh --dev && scripts/build.sh --test || exit 1
failed=()
for name in "${order[@]}"; do
  echo "== $name: ${about[$name]}"
  "check_$name" || failed+=("$name")
done
echo "not there yet:"
printf '  %s\n' "${not_there_yet[@]}"
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
echo "all passed: ${order[*]}"
