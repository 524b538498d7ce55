#!/usr/bin/env bash
# the wheels, each with the whole Python suite (five minutes), in a bare Debian 12: no libcaf, no libpq, no compiler
# Usage: scripts/checks/wheel_root.sh [VERSION...]     default: every CPython that scripts/wheels.sh finds
# GRAPHBIT_WHEELS=FOLDER tests the wheels there instead of building them. 3.11 is Debian's own Python,
# the others are pyenv's.
set -euo pipefail
wheels=${GRAPHBIT_WHEELS-}
if [ -z "$wheels" ]; then
  wheels=build/wheels/out
  scripts/wheels.sh $wheels "$@"
fi
# The tree as it is committed, without what was built of it.
given=$(mktemp -d "$PWD/build/wheel_root.XXXXXX")
trap 'rm -rf "$given"' EXIT
git archive HEAD | tar -x -C "$given"
cp "$wheels"/*.whl "$given"

failed=()
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(3.9 3.10 3.11 3.12 3.13)
for version in "${versions[@]}"; do
  wheel=$(cd "$given" && ls ./*-cp"${version/./}"-*.whl 2>/dev/null) || continue # scripts/wheels.sh has said why
  python=/usr/bin/python3.11
  [ "$version" = 3.11 ] || python=$(echo ~/.pyenv/versions/"$version".*/bin/python)
  echo "== CPython $version"
  scripts/bare_root.sh "$given" "
    ! command -v gcc cc && ! ls /usr/lib/*/lib{caf,spdlog,pq}* 2>/dev/null
    rm -rf venv; $python -m venv venv; venv/bin/pip install --quiet $wheel
    # Some test tools have left old Pythons behind: what cannot be had is skipped by its tests.
    venv/bin/pip install --quiet -r requirements/test.txt -r requirements/examples.txt ||
      cat requirements/{test,examples}.txt | while read -r line; do
        echo \"\$line\" >one.txt; venv/bin/pip install --quiet -r one.txt || echo \"not for this Python: \$line\"
      done
    GRAPHBIT_COMMAND=/given/venv/bin/graphbit venv/bin/python -m pytest tests/python -q --reruns 1" || failed+=("$version")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
