#!/usr/bin/env bash
# the Debian package: made, without complaint from lintian
scripts/release.sh deb
