#!/usr/bin/env bash
# the wheels, each with the whole Python suite, in a bare Debian 12 root: no libcaf, no libpq, no compiler
# Usage: scripts/checks/wheel_root.sh [VERSION...]     default: every CPython that scripts/wheels.sh finds
# GRAPHBIT_WHEELS=FOLDER tests the wheels there instead of building them. Needs root, for debootstrap
# and chroot; the bare root is kept in build/wheel_root and used again. 3.11 is Debian's own Python,
# the others are pyenv's.
set -euo pipefail
# Mounts of a namespace of our own are gone with it, however this ends.
[ -n "${GRAPHBIT_OWN_MOUNTS-}" ] || GRAPHBIT_OWN_MOUNTS=1 exec unshare --mount "$0" "$@"
root=$PWD/build/wheel_root
wheels=${GRAPHBIT_WHEELS-}
if [ -z "$wheels" ]; then
  wheels=build/wheels/out
  scripts/wheels.sh $wheels "$@"
fi

if [ ! -x "$root/usr/bin/python3" ]; then
  mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/*.sources)
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" "$mirror" >/dev/null
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
if [ -d /usr/local/share/ca-certificates ]; then
  cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" && chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
if [ -d ~/.pyenv/versions ]; then
  mkdir -p "$root$HOME/.pyenv/versions"
  mount --bind ~/.pyenv/versions "$root$HOME/.pyenv/versions"
fi

# The tree as it is committed, without what was built of it.
rm -rf "$root/test"
mkdir "$root/test"
git archive HEAD | tar -x -C "$root/test"
inside() { # command...
  env -i HOME="$HOME" PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 GRAPHBIT_COMMAND=/test/venv/bin/graphbit \
    $(env | grep -iE '^(https?_proxy|no_proxy|pip_|ssl_cert)' | tr '\n' ' ') chroot "$root" /bin/bash -euc "cd /test; $*"
}
inside '! command -v gcc cc && ! ls /usr/lib/*/libcaf* /usr/lib/*/libspdlog* /usr/lib/*/libpq.* 2>/dev/null'

failed=()
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(3.9 3.10 3.11 3.12 3.13)
for version in "${versions[@]}"; do
  wheel=$(ls "$wheels"/*-cp"${version/./}"-*.whl 2>/dev/null) || continue # scripts/wheels.sh has said why
  python=/usr/bin/python3.11
  [ "$version" = 3.11 ] || python=$(echo ~/.pyenv/versions/"$version".*/bin/python)
  echo "== CPython $version"
  cp "$wheel" "$root/test/"
  inside "rm -rf venv; $python -m venv venv; venv/bin/pip install --quiet *-cp${version/./}-*.whl; venv/bin/graphbit --version"
  # Some test tools have left old Pythons behind: what cannot be had is skipped by its tests.
  inside 'venv/bin/pip install --quiet -r requirements/test.txt -r requirements/examples.txt' ||
    inside 'cat requirements/{test,examples}.txt | while read -r line; do
              echo "$line" >one.txt; venv/bin/pip install --quiet -r one.txt || echo "not for this Python: $line"
            done'
  inside 'venv/bin/python -m pytest tests/python -q' || failed+=("$version")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
