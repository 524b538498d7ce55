#!/usr/bin/env bash
# Makes all that is released, reproducibly, into dist/: wheels for every CPython found, the sdist, the
# Debian package, and SHA256SUMS over all of them.
# Usage: scripts/release.sh [wheels] [sdist] [deb]     default: all three
set -euo pipefail
cd "$(dirname "$0")/.."
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(wheels sdist deb)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
umask 022
dist=$PWD/dist
mkdir -p "$dist"
scripts/deps.sh --dev

make_wheels() { scripts/wheels.sh "$dist"; }

make_sdist() {
  local tools=build/wheels/tools
  [ -x $tools/bin/pyproject-build ] || { python3 -m venv $tools && $tools/bin/pip install --quiet -r requirements/release.txt; }
  $tools/bin/pyproject-build --sdist --outdir "$dist" .
}

# The changelog and the manual page that Debian wants beside the command.
debian_documents() { # build tree
  local folder=$1/debian version
  version=$(sed -n 's/^project(graphbit VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
  mkdir -p "$folder"
  printf 'graphbit (%s-1) stable; urgency=medium\n\n  * Release %s; see CHANGELOG.md of the source.\n\n -- %s  %s\n' \
    "$version" "$version" "The graphbit-actors authors <graphbit-actors@packages.invalid>" \
    "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")" | gzip -9n >"$folder/changelog.Debian.gz"
  sed "s/@VERSION@/$version/" packaging/debian/graphbit.1 | gzip -9n >"$folder/graphbit.1.gz"
}

make_deb() {
  local tree=build/debian
  cmake -S . -B $tree -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr \
    -DGRAPHBIT_TESTS=OFF -DGRAPHBIT_EXAMPLES=OFF --log-level=WARNING
  cmake --build $tree --target graphbit_command
  debian_documents $tree
  rm -f $tree/graphbit_*.deb
  (cd $tree && cpack -G DEB >cpack.log || { cat cpack.log; exit 1; })
  # Packed once more by dpkg-deb, which gives the same bytes for the same source.
  rm -rf $tree/unpacked
  dpkg-deb --raw-extract $tree/graphbit_*.deb $tree/unpacked
  find $tree/unpacked -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build $tree/unpacked "$dist" >/dev/null
  lintian --fail-on error,warning "$dist"/graphbit_*.deb
}

for part in "${parts[@]}"; do "make_$part"; done
(cd "$dist" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
cat "$dist/SHA256SUMS"
