#!/usr/bin/env bash
# load with faults for two minutes: every call answered once, nothing grows
.venv/bin/python tests/soak/soak.py --seconds 120
