#!/usr/bin/env bash
# what CI runs: scripts/test.sh
scripts/test.sh
