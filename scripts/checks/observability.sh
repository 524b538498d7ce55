#!/usr/bin/env bash
# Prometheus scrapes a job, promtool checks metrics and rules, a browser drives the dashboard
set -e
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements/observability.txt
.venv/bin/python -m pytest tests/observability -q
