#!/usr/bin/env bash
# 200 interpreters that end with calls in flight
GRAPHBIT_EXIT_RUNS=200 .venv/bin/python -m pytest tests/python/test_process.py -q -k again_and_again
