#!/usr/bin/env bash
# Formats the C++ sources; with --check only says which differ, and fails if one does.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[ "${1-}" != --check ] || mode=(--dry-run --Werror)
git ls-files -z '*.cpp' '*.hpp' | xargs -0 --no-run-if-empty clang-format-14 "${mode[@]}"
