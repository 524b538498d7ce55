#!/usr/bin/env bash
# Builds everything in build/release and installs the Python package into .venv.
# Usage: scripts/build.sh [--test] [--bench]
#   --test   the C++ tests too, and the Python test tools      --bench  the programs of bench/ too
# Run again, it does only what changed; with nothing to do it takes a second or two.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/release
venv=.venv

with_tests=false with_bench=false
for option in "$@"; do
  case $option in
    --test) with_tests=true ;;
    --bench) with_bench=true ;;
    *) echo "usage: scripts/build.sh [--test] [--bench]" >&2; exit 2 ;;
  esac
done

# Installs a requirements file into .venv, unless that very file has been installed before.
require() {
  local file=requirements/$1.txt stamp=$venv/.installed-$1
  cmp -s "$file" "$stamp" && return
  echo "== Python packages: $file"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$file"
  cp "$file" "$stamp"
}

if $with_bench; then scripts/deps.sh --dev; elif $with_tests; then scripts/deps.sh --test; else scripts/deps.sh; fi
[ -x $venv/bin/python ] || python3 -m venv $venv
require build
require examples
if $with_tests; then require test; fi

echo "== build"
configured=$build/.configured-with
options=(-DGRAPHBIT_PYTHON=ON "-DPython_EXECUTABLE=$PWD/$venv/bin/python"
  "-Dpybind11_DIR=$($venv/bin/python -m pybind11 --cmakedir)" "-DGRAPHBIT_TESTS=$($with_tests && echo ON || echo OFF)"
  "-DGRAPHBIT_BENCH=$($with_bench && echo ON || echo OFF)")
# A tree that has the tests or the bench keeps them: switching back and forth would configure twice a day.
for part in TESTS BENCH; do
  if grep -qs "GRAPHBIT_$part=ON" $configured; then options=("${options[@]/GRAPHBIT_$part=OFF/GRAPHBIT_$part=ON}"); fi
done
if [ ! -f $build/build.ninja ] || ! grep -qsxF -e "${options[*]}" $configured; then
  cmake --preset release "${options[@]}" --log-level=WARNING
  echo "${options[*]}" >$configured
fi
if $with_tests || $with_bench; then cmake --build $build; else cmake --build $build --target graphbit_command graphbit_native; fi

# pip packs what the build tree already holds; skipped when nothing it would pack is newer.
stamp=$venv/.installed-graphbit
if [ ! -f $stamp ] || [ -n "$(find pyproject.toml python $build/python $build/apps/graphbit -newer $stamp -type f ! -name '*.pyc' -print -quit)" ]; then
  echo "== install into $venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall \
    --config-settings=build-dir=$build .
  touch $stamp
fi
