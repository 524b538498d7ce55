#!/usr/bin/env bash
# Installs the system packages this project needs: the only list of them.
# Usage: scripts/deps.sh [--test] [--dev]      as root, or with sudo at hand
#   (nothing)  what a build and a run need      --test  what scripts/test.sh needs as well
#   --dev      the heavy tools of scripts/check_all.sh and of profiling as well
# Does nothing, and needs no rights, when all is there.
set -euo pipefail

packages=(
  build-essential cmake ninja-build ccache pkg-config git ca-certificates
  libcaf-dev libboost-dev rapidjson-dev libspdlog-dev libexpected-dev libssl-dev zlib1g-dev
  libbrotli-dev libzstd-dev libcli11-dev libjemalloc-dev libsqlite3-dev libpq-dev libre2-dev
  python3 python3-dev python3-venv
)
test_packages=(libgtest-dev libgmock-dev clang-format-14 doxygen postgresql-15)
dev_packages=(clang-14 clang-tidy-14 libbenchmark-dev libsimdjson-dev valgrind linux-perf dpkg-dev prometheus chromium chromium-driver
  debootstrap lintian)

for option in "$@"; do
  case $option in
    --test) packages+=("${test_packages[@]}") ;;
    --dev) packages+=("${test_packages[@]}" "${dev_packages[@]}") ;;
    *) echo "usage: scripts/deps.sh [--test] [--dev]" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "deps.sh: this is no Debian system; install by hand: ${packages[*]}" >&2
  exit 1
fi
present=" $(dpkg-query --show --showformat='${db:Status-Status}:${Package} ' 2>/dev/null) "
missing=()
for package in "${packages[@]}"; do
  [[ $present == *" installed:$package "* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "deps.sh: root or sudo is needed to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
  # The tests start servers of their own: Debian's package need not make and start one.
  "${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
  echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/graphbit.conf >/dev/null
fi
"${as_root[@]}" apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null
