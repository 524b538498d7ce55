#!/usr/bin/env bash
# the sdist: installed by pip in a bare Debian 12 with no more than scripts/deps.sh puts there, and asked something
set -euo pipefail
scripts/release.sh sdist
scripts/bare_root.sh dist '
  mkdir /source && tar -x -C /source --strip-components=1 -f graphbit_actors-*.tar.gz
  (cd /source && scripts/deps.sh)
  python3 -m venv /venv
  /venv/bin/pip install --quiet graphbit_actors-*.tar.gz
  /venv/bin/graphbit --version
  cd /; /venv/bin/python -c "
from graphbit import LlmClient
from graphbit.testing import Simulator
with Simulator() as simulator:
    print(LlmClient(simulator.llm_config()).complete(\"hi\"))"'
