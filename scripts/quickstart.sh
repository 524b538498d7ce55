#!/usr/bin/env bash
# The main job from nothing: installs what is missing, builds, and digests text documents.
# Usage: scripts/quickstart.sh [FILE-OR-FOLDER...]     default: /usr/share/common-licenses
# Options of the example pass through (see examples/python/digest.py --help).
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
"$here/scripts/build.sh"
echo "== digest"
exec "$here/.venv/bin/python" "$here/examples/python/digest.py" "$@"
