#!/usr/bin/env bash
# 20,000 seeds of the cluster's simulation, limits shared by PostgreSQL, and four hosts in network namespaces (root)
set -e
cmake --build --preset release --target graphbit_simulate_cluster graphbit_command
build/release/tests/simulation/graphbit_simulate_cluster 1 20000
.venv/bin/python tests/scale/shared_limits.py 180
.venv/bin/python tests/cluster/network_namespaces.py
