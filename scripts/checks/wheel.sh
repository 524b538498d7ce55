#!/usr/bin/env bash
# a wheel, installed and imported in an environment of its own
set -e
rm -rf build/wheel
mkdir -p build/wheel
.venv/bin/pip wheel --quiet --no-deps --no-build-isolation --config-settings=build-dir=build/release -w build/wheel .
python3 -m venv build/wheel/venv
build/wheel/venv/bin/pip install --quiet build/wheel/*.whl
build/wheel/venv/bin/python -c 'import graphbit; print(graphbit.version())'
