#!/usr/bin/env bash
# every parser, wire, file and record from outside under libFuzzer, a minute each
set -e
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz
ctest --preset fuzz --parallel "$(nproc)"
