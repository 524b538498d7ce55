#!/usr/bin/env bash
# 20,000 lines with a provider that is dead for 60 s in their midst: none fails, hardly a request is wasted
.venv/bin/python tests/scale/batch_outage.py
