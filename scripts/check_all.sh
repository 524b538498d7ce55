#!/usr/bin/env bash
# The heavy checks, beyond scripts/test.sh: every file of scripts/checks/, each also to be run alone
# from the top of the tree, once scripts/deps.sh --dev and scripts/build.sh --test have been run.
# Usage: scripts/check_all.sh [NAME...]      default: all of them
#        scripts/check_all.sh --list         names them
set -uo pipefail
cd "$(dirname "$0")/.."

names=()
for file in scripts/checks/*.sh; do names+=("$(basename "$file" .sh)"); done
about() { sed -n '2s/^# //p' "scripts/checks/$1.sh"; }

if [ "${1-}" = --list ]; then
  for name in "${names[@]}"; do printf '%-10s %s\n' "$name" "$(about "$name")"; done
  exit 0
fi
[ $# -eq 0 ] || names=("$@")
for name in "${names[@]}"; do
  [ -x "scripts/checks/$name.sh" ] || { echo "check_all.sh: no check called $name (see --list)" >&2; exit 2; }
done

scripts/deps.sh --dev && scripts/build.sh --test || exit 1
failed=()
for name in "${names[@]}"; do
  echo "== $name: $(about "$name")"
  "scripts/checks/$name.sh" || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
echo "all passed: ${names[*]}"
