#!/usr/bin/env bash
# 200 durable runs of 50 nodes on a store in SQLite (and in GRAPHBIT_TEST_POSTGRES, if set), killed with kill -9
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python tests/scale/durable_kills.py "$folder"
[ -z "${GRAPHBIT_TEST_POSTGRES-}" ] || .venv/bin/python tests/scale/durable_kills.py "$GRAPHBIT_TEST_POSTGRES"
