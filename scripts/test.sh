#!/usr/bin/env bash
# The tests of CI, from nothing: packages, .venv, one release build, C++ by ctest, Python by pytest,
# format and header checks, the API reference, a short soak. Fails if any of them fails, after running them all.
# The heavy checks (sanitizers, clang-tidy, other Pythons, wheels) are in scripts/check_all.sh.
set -uo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh --test || exit 1

failed=()
step() {
  local title=$1
  shift
  echo "== $title"
  "$@" || failed+=("$title;")
}

step "format" scripts/format.sh --check
step "public headers compile alone" cmake --build build/release --target check_headers
step "each public name is documented" doxygen docs/Doxyfile
step "soak, short" .venv/bin/python tests/soak/soak.py --seconds 60
# A test that fails is run once more, and both runs are printed: a race is a bug to mend, but only what
# fails twice stops a landing.
step "C++ tests" ctest --preset release --parallel "$(nproc)" --output-on-failure --repeat until-pass:2
step "Python tests" .venv/bin/python -m pytest tests/python -q --reruns 1
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
