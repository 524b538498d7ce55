#!/usr/bin/env bash
# the Debian package: made, no word from lintian, installed, its node started as its service starts it, and purged
set -euo pipefail
scripts/release.sh deb
scripts/bare_root.sh dist '
  (apt-get update -qq && apt-get install -qq --yes --no-install-recommends ./graphbit_*.deb systemd) >/dev/null
  graphbit --version
  systemd-analyze verify --man=no /lib/systemd/system/graphbit-node.service
  stat --format="%U:%G %a" /etc/graphbit/node.env | grep -x "root:graphbit 640"
  . /etc/graphbit/node.env
  install -d -o graphbit /var/lib/graphbit
  runuser -u graphbit -- timeout --preserve-status 5 graphbit node $GRAPHBIT_NODE_OPTIONS
  apt-get purge -qq --yes graphbit >/dev/null
  ! ls -d /etc/graphbit /usr/bin/graphbit /var/lib/graphbit 2>/dev/null'
