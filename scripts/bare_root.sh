#!/usr/bin/env bash
# Runs a command in a bare Debian 12: a minimal system and nothing else, as new each time.
# Usage: scripts/bare_root.sh FOLDER COMMAND      bash runs COMMAND there; FOLDER is /given, the
#                                                 command's working folder
# Needs root, for debootstrap and chroot. The system is made once, in build/bare_root; what a command
# changes goes into a layer above it that is thrown away. It sees pyenv's Pythons of this machine.
set -euo pipefail
# Mounts of a namespace of our own are gone with it, however this ends.
[ -n "${GRAPHBIT_OWN_MOUNTS-}" ] || GRAPHBIT_OWN_MOUNTS=1 exec unshare --mount "$0" "$@"
given=$(realpath "$1")
cd "$(dirname "$0")/.."
base=$PWD/build/bare_root

if [ ! -e "$base/.made" ]; then
  rm -rf "$base"
  mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/*.sources)
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$base" "$mirror" >/dev/null
  # How this machine reaches package registries.
  cp -L /etc/resolv.conf /etc/hosts "$base/etc/"
  [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$base/etc/"
  cp -r /etc/apt/apt.conf.d "$base/etc/apt/"
  cp -r /usr/local/share/ca-certificates "$base/usr/local/share/"
  chroot "$base" update-ca-certificates >/dev/null 2>&1
  touch "$base/.made"
fi

layer=$(mktemp -d "$PWD/build/bare_root.XXXXXX")
trap 'umount --recursive --lazy "$layer/root" && rm -rf "$layer"' EXIT
mkdir "$layer"/{root,changed,work}
mount -t overlay overlay -o "lowerdir=$base,upperdir=$layer/changed,workdir=$layer/work" "$layer/root"
mkdir -p "$layer/root/given" "$layer/root$HOME/.pyenv/versions"
mount --bind "$given" "$layer/root/given"
mount -t proc proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
[ ! -d ~/.pyenv/versions ] || mount --bind ~/.pyenv/versions "$layer/root$HOME/.pyenv/versions"
mapfile -t registries < <(env | grep -iE '^(https?_proxy|no_proxy|pip_|ssl_cert)')
env -i HOME="$HOME" PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${registries[@]}" \
  chroot "$layer/root" /bin/bash -euo pipefail -c "cd /given; $2"
