#!/usr/bin/env bash
# Builds everything in build/release and installs the Python package into .venv.
# Usage: scripts/build.sh [--test]     --test: the C++ tests too, and the Python test tools
# Run again, it does only what changed; with nothing to do it takes a second or two.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/release
venv=.venv

with_tests=false
case ${1-} in
  '') ;;
  --test) with_tests=true ;;
  *) echo "usage: scripts/build.sh [--test]" >&2; exit 2 ;;
esac

# Installs a requirements file into .venv, unless that very file has been installed before.
require() {
  local file=requirements/$1.txt stamp=$venv/.installed-$1
  cmp -s "$file" "$stamp" && return
  echo "== Python packages: $file"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$file"
  cp "$file" "$stamp"
}

if $with_tests; then scripts/deps.sh --test; else scripts/deps.sh; fi
[ -x $venv/bin/python ] || python3 -m venv $venv
require build
require examples
if $with_tests; then require test; fi

echo "== build"
configured=$build/.configured-with
options=(-DGRAPHBIT_PYTHON=ON "-DPython_EXECUTABLE=$PWD/$venv/bin/python"
  "-Dpybind11_DIR=$($venv/bin/python -m pybind11 --cmakedir)" "-DGRAPHBIT_TESTS=$($with_tests && echo ON || echo OFF)")
# A tree that has the tests keeps them: switching back and forth would configure twice a day.
if ! $with_tests && grep -qs 'GRAPHBIT_TESTS=ON' $configured; then options=("${options[@]/GRAPHBIT_TESTS=OFF/GRAPHBIT_TESTS=ON}"); fi
if [ ! -f $build/build.ninja ] || ! grep -qsxF -e "${options[*]}" $configured; then
  cmake --preset release "${options[@]}" --log-level=WARNING
  echo "${options[*]}" >$configured
fi
if $with_tests; then cmake --build $build; else cmake --build $build --target graphbit_command graphbit_native; fi

# pip packs what the build tree already holds; skipped when nothing it would pack is newer.
stamp=$venv/.installed-graphbit
if [ ! -f $stamp ] || [ -n "$(find pyproject.toml python $build/python $build/apps/graphbit -newer $stamp -type f ! -name '*.pyc' -print -quit)" ]; then
  echo "== install into $venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall \
    --config-settings=build-dir=$build .
  touch $stamp
fi
