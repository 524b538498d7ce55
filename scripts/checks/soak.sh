#!/usr/bin/env bash
# load with faults for ten minutes: every call answered once, nothing grows
.venv/bin/python tests/soak/soak.py --seconds 600
