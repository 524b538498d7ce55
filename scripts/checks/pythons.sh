#!/usr/bin/env bash
# the Python tests on every CPython from 3.9 to 3.13 found here
set -e
for version in 3.9 3.10 3.11 3.12 3.13; do
  python=$(command -v "python$version") && "$python" -c 'import venv' 2>/dev/null || { echo "python$version: not here"; continue; }
  echo "-- Python $version"
  home=build/pythons/$version
  [ -x "$home/bin/python" ] || "$python" -m venv "$home"
  "$home/bin/pip" install --quiet -r requirements/build.txt -r requirements/test.txt -r requirements/examples.txt
  "$home/bin/pip" install --quiet --no-deps --no-build-isolation "--config-settings=build-dir=build/py$version" .
  "$home/bin/python" -m pytest tests/python -q
done
