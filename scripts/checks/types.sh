#!/usr/bin/env bash
# mypy --strict and stubtest on the Python package, its examples too
set -e
.venv/bin/python -m mypy --strict python/graphbit
.venv/bin/python -m mypy --strict --ignore-missing-imports examples/python
.venv/bin/python -m pytest -q tests/python/test_typing.py
