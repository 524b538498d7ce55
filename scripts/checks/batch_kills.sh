#!/usr/bin/env bash
# 100,000 lines with 5 % faults, killed ten times and continued: no kept line is asked for again
.venv/bin/python tests/scale/batch_kills.py
