#!/usr/bin/env bash
# graphbit.integrations.ray on a real Ray from PyPI, on loopback
set -e
env=build/ray-env
[ -x $env/bin/pytest ] || { python3 -m venv $env && $env/bin/pip install --quiet --disable-pip-version-check "ray[data]>=2.9" pytest; }
# The package as built, and nothing else of its environment.
mkdir -p $env/graphbit-only
ln -sfn "$(.venv/bin/python -c 'import graphbit, os; print(os.path.dirname(graphbit.__file__))')" $env/graphbit-only/graphbit
PYTHONPATH=$PWD/$env/graphbit-only $env/bin/pytest -q -p no:cacheprovider tests/ray
