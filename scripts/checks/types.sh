#!/usr/bin/env bash
# mypy --strict and stubtest on the Python package
set -e
.venv/bin/python -m mypy --strict python/graphbit
.venv/bin/python -m mypy.stubtest graphbit
