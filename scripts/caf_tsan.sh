#!/usr/bin/env bash
# Builds CAF with ThreadSanitizer into build/caf-tsan, from Debian's own source package.
# Why: against the library as packaged, TSan sees only half of each hand-over and reports races that
# are none; suppressing those would hide the real ones. Takes some minutes, once.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$PWD/build/caf-tsan
[ ! -f "$prefix/lib/libcaf_openssl.so" ] || exit 0

work=$prefix/source
mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
# The same archive that the packages come from, asked for sources, without touching the system's lists.
sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/*.sources >"$work/apt/parts/source.sources"
apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/apt/parts"
  -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" -o APT::Sandbox::User=)
"${apt[@]}" update
# The upstream tarball is enough.
(cd "$work" && "${apt[@]}" source --tar-only actor-framework && mkdir -p caf && tar -xf ./*.orig.tar.* -C caf --strip-components=1)

source=$work/caf
# A header that leaves out an include, which g++ 12 does not forgive; Debian mends it by a patch.
sed -i 's/^#pragma once$/&\n#include <limits>/' "$source/libcaf_io/caf/io/network/receive_buffer.hpp"
cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS="-fsanitize=thread -w" -DCMAKE_SHARED_LINKER_FLAGS=-fsanitize=thread \
  -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
  -DCAF_NO_EXAMPLES=ON -DCAF_NO_UNIT_TESTS=ON \
  -DCAF_NO_TOOLS=ON -DCAF_NO_PYTHON=ON -DCAF_NO_OPENCL=ON -Wno-dev >"$work/configure.log"
cmake --build "$work/build" --parallel 2 --target install >"$work/build.log"
