#!/usr/bin/env bash
# the wheel of the Python that builds here: repaired, with licences and SBOM, the same bytes twice, imported alone
set -euo pipefail
version=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
out=build/wheels/twice
rm -rf $out
scripts/wheels.sh $out "$version"
first=$(sha256sum $out/*.whl)
rm -rf "build/wheels/tree$version"
CCACHE_DISABLE=1 scripts/wheels.sh $out "$version"
[ "$first" = "$(sha256sum $out/*.whl)" ] || { echo "two builds of the same source differ"; exit 1; }
rm -rf build/wheel
python3 -m venv build/wheel/venv
build/wheel/venv/bin/pip install --quiet $out/*.whl
[ "$(nm --dynamic --defined-only build/wheel/venv/lib/python*/site-packages/graphbit/_core.*.so | cut -d' ' -f3)" = PyInit__core ]
(cd build/wheel && venv/bin/python -c '
import graphbit
from graphbit.testing import Simulator
with Simulator() as simulator:
    print(graphbit.version(), graphbit.LlmClient(simulator.llm_config()).complete("hi"))
maps = open("/proc/self/maps").read()
assert "graphbit_actors.libs/libcaf_core" in maps, "CAF is not the bundled one"
')
