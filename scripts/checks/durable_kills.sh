#!/usr/bin/env bash
# durable runs killed with kill -9 and adopted, in SQLite and in a PostgreSQL server of the check's own
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for store in "$folder" postgresql; do
  .venv/bin/python tests/scale/durable_adoption.py "$store"
  .venv/bin/python tests/scale/durable_kills.py "$store"
done
