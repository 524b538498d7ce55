#!/usr/bin/env bash
# wheels for every CPython from 3.9 to 3.13 found here, and the Python tests on each (from one build of the C++ rooms)
set -euo pipefail
out=build/wheels/out
mkdir -p $out
for version in 3.9 3.10 3.11 3.12 3.13; do
  tag=cp${version/./}
  rm -f $out/*-"$tag"-*.whl
  scripts/wheels.sh $out "$version" || continue # said why
  home=build/pythons/$version
  [ -x "$home/bin/python" ] || "build/wheels/python$version/bin/python" -m venv "$home"
  # Some test tools have left old Pythons behind: what cannot be had is skipped by its tests.
  while read -r requirement; do
    case $requirement in ''|'#'*) continue ;; esac
    "$home/bin/pip" install --quiet --disable-pip-version-check "$requirement" || echo "python$version: no $requirement"
  done < <(cat requirements/test.txt requirements/examples.txt)
  "$home/bin/pip" install --quiet --force-reinstall --no-deps $out/*-"$tag"-*.whl
  "$home/bin/python" -m pytest tests/python -q
done
