#!/usr/bin/env bash
# 20,000 seeds of the resilience simulation, every promise checked at every step
set -e
cmake --build --preset release --target graphbit_simulate
build/release/tests/simulation/graphbit_simulate 1 20000
