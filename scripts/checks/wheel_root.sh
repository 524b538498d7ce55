#!/usr/bin/env bash
# the wheel of Debian's own Python, with the whole Python suite, in a bare Debian 12 root: no libcaf, no compiler
# Needs root, for debootstrap and chroot. The root is kept in build/wheel_root and used again.
set -euo pipefail
version=3.11 # what Debian 12 has
root=$PWD/build/wheel_root
wheels=build/wheels/out
[ -n "$(ls $wheels/*cp${version/./}*.whl 2>/dev/null)" ] || scripts/wheels.sh $wheels $version

if [ ! -x "$root/usr/bin/python3" ]; then
  mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/*.sources)
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" "$mirror" >/dev/null
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"
if [ -d /usr/local/share/ca-certificates ]; then
  cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" && chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
trap 'umount -l "$root/dev" "$root/proc" 2>/dev/null || true' EXIT
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"

rm -rf "$root/test"
mkdir -p "$root/test"
cp -r $wheels/*cp${version/./}*.whl requirements/{test,examples}.txt pyproject.toml examples docs ./*.md "$root/test/"
mkdir -p "$root/test/tests"
cp -r tests/python "$root/test/tests/"
inside() { # command...
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    $(env | grep -iE '^(https?_proxy|no_proxy|pip_|ssl_cert)' | tr '\n' ' ') chroot "$root" /bin/bash -euc "cd /test; $*"
}
inside '! command -v gcc && ! ls /usr/lib/x86_64-linux-gnu/libcaf* /usr/lib/x86_64-linux-gnu/libspdlog* 2>/dev/null'
inside 'python3 -m venv venv; venv/bin/pip install --quiet *.whl; venv/bin/python -c "import graphbit; print(graphbit.version())"'
inside 'venv/bin/pip install --quiet -r test.txt -r examples.txt; venv/bin/python -m pytest tests/python -q'
