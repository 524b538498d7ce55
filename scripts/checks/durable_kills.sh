#!/usr/bin/env bash
# 200 durable runs of 50 nodes, killed with kill -9, in SQLite and in a PostgreSQL server of the check's own
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python tests/scale/durable_kills.py "$folder"
.venv/bin/python tests/scale/durable_kills.py postgresql
