#!/usr/bin/env bash
# Builds wheels of the Python package, one per CPython, into a folder; CAF, spdlog, OpenSSL and what
# they need are put inside by auditwheel, with their licences and an SBOM.
# Usage: scripts/wheels.sh OUT [VERSION...]        default: every CPython from 3.9 to 3.13 found
#
# The C++ rooms and the command are built once (build/core) and installed into build/core/prefix; per
# version only python/src is compiled, in few units, since most of the work is reading headers. A
# CPython is found as $GRAPHBIT_PYTHON_3_9, as ~/.pyenv/versions/3.9.*/, or as python3.9 on the path;
# `pyenv install 3.9 3.10 3.11 3.12 3.13` provides all. Each needs its headers (Debian: python3.X-dev).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: scripts/wheels.sh OUT [VERSION...]}
shift
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(3.9 3.10 3.11 3.12 3.13)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y pyproject.toml)}
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
umask 022

find_python() {
  local variable=GRAPHBIT_PYTHON_${1/./_} found
  if [ -n "${!variable-}" ]; then echo "${!variable}"; return; fi
  for found in ~/.pyenv/versions/"$1".*/bin/python; do
    if [ -x "$found" ]; then echo "$found"; return; fi
  done
  command -v "python$1" || true
}

core=build/core
tools=build/wheels/tools
mkdir -p "$out" build/wheels
echo "== the C++ rooms, once"
cmake -S . -B $core -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRAPHBIT_PYTHON=OFF \
  -DGRAPHBIT_TESTS=OFF -DGRAPHBIT_EXAMPLES=OFF --log-level=WARNING
cmake --build $core --target graphbit_cluster graphbit_command
for component in development command; do
  cmake --install $core --component $component --prefix "$PWD/$core/prefix" --strip >/dev/null
done
if [ ! -x $tools/bin/auditwheel ]; then
  python3 -m venv $tools
  $tools/bin/pip install --quiet --disable-pip-version-check -r requirements/release.txt
fi

made=0
for version in "${versions[@]}"; do
  python=$(find_python "$version")
  if [ -z "$python" ]; then echo "python$version: not here"; continue; fi
  echo "== CPython $version"
  venv=build/wheels/python$version
  raw=build/wheels/raw$version
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements/build.txt
  rm -rf "$raw"
  "$venv/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --config-settings=build-dir="build/wheels/tree$version" \
    --config-settings=cmake.source-dir=python --config-settings=build.targets=graphbit_native \
    --config-settings=cmake.define.CMAKE_UNITY_BUILD=ON \
    --config-settings=cmake.define.graphbit_ROOT="$PWD/$core/prefix" \
    -w "$raw" .
  PATH=$PWD/$tools/bin:$PATH $tools/bin/auditwheel repair --wheel-dir "$raw/repaired" "$raw"/*.whl
  "$venv/bin/python" scripts/finish_wheel.py "$raw"/repaired/*.whl "$out"
  # The same source must give the same bytes, wherever it lies.
  if unzip -p "$out"/*-cp"${version/./}"-*.whl | grep -qaF "$PWD"; then echo "the wheel names $PWD" >&2; exit 1; fi
  made=$((made + 1))
done
[ $made -gt 0 ]
