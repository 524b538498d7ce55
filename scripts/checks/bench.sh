#!/usr/bin/env bash
# the comparison with peers, quick
.venv/bin/python bench/compare.py --quick
