#!/usr/bin/env bash
# every parser and wire under libFuzzer, some seconds each
set -e
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz
ctest --preset fuzz
