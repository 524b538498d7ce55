#!/usr/bin/env bash
# clang-tidy, each finding an error
set -e
cmake --preset tidy --log-level=WARNING
cmake --build --preset tidy
