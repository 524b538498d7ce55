#!/usr/bin/env bash
# the comparison with peers, quick
set -e
scripts/build.sh --bench
.venv/bin/python bench/compare.py --quick
