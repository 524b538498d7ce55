#!/usr/bin/env python3
"""clang-tidy over the files of a compile database, each finding an error.

Usage: scripts/tidy.py [BUILD_DIR [PATH_PART...]]     default: build/release, and all its files

One process per file on all cores. A file that was clean is not looked at again until it, a header of
the project that it includes, or .clang-tidy changes: build/tidy/clean holds the hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = "clang-tidy-14"
CLEAN = ROOT / "build" / "tidy" / "clean"
# The database is GCC's: some of its warnings clang does not know, and Boost 1.74 looks for coroutines in
# clang only where clang had them as an experiment.
OPTIONS = ("-Wno-unknown-warning-option", "-DBOOST_ASIO_HAS_CO_AWAIT=1", "-DBOOST_ASIO_HAS_STD_COROUTINE=1")


def headers_of(build: Path) -> dict[Path, list[Path]]:
    """What each source file included when it was last compiled, by ninja's log."""
    text = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], check=True, capture_output=True, text=True).stdout
    found: dict[Path, list[Path]] = {}
    for block in text.split("\n\n"):
        names = (os.path.normpath(build / line.strip()) for line in block.splitlines()[1:])
        files = [Path(name) for name in names if name.startswith(f"{ROOT}/")]
        if files:
            found[files[0]] = files[1:]
    return found


def fingerprint(source: Path, headers: list[Path]) -> str:
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for file in [source, *sorted(headers)]:
        digest.update(str(file.relative_to(ROOT)).encode())
        digest.update(file.read_bytes() if file.exists() else b"")
    return digest.hexdigest()


def look_at(source: Path, build: Path) -> tuple[int, str]:
    command = [TOOL, "--quiet", "-p", str(build), *(f"--extra-arg={option}" for option in OPTIONS), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main() -> int:
    build = (ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build/release")).resolve()
    database = json.loads((build / "compile_commands.json").read_text())
    sources = sorted({(Path(e["directory"]) / e["file"]).resolve() for e in database})
    sources = [s for s in sources if s.is_relative_to(ROOT) and not s.is_relative_to(build)]
    parts = sys.argv[2:]
    sources = [s for s in sources if not parts or any(part in str(s.relative_to(ROOT)) for part in parts)]
    headers = headers_of(build)
    CLEAN.mkdir(parents=True, exist_ok=True)

    def check(source: Path) -> bool:
        known = source in headers  # never compiled: nothing is known of what it includes
        mark = CLEAN / fingerprint(source, headers.get(source, []))
        if known and mark.exists():
            return True
        failed, words = look_at(source, build)
        if failed:
            print(f"== {source.relative_to(ROOT)}\n{words}", flush=True)
            return False
        if known:
            mark.touch()
        return True

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(check, sources))
    print(f"clang-tidy: {found.count(True)} of {len(found)} files are clean")
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
