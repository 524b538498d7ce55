"""One virtualenv per peer under build/bench, made on first use and again when its pins change."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
BUILD = ROOT / "build" / "bench"


def python_of(peer: str) -> str:
    """The interpreter that has `peer` installed."""
    pins = BENCH / "requirements" / f"{peer}.txt"
    home = BUILD / peer
    stamp = home / ".installed"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        print(f"installing {pins.read_text().split()[0]} ...", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run(
            [home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins], check=True
        )
        stamp.write_text(pins.read_text())
    return str(home / "bin/python")


def ours() -> str:
    python = ROOT / ".venv/bin/python"
    if not python.exists():
        sys.exit("compare.py: no .venv with this project in it: run scripts/build.sh first")
    return str(python)


def program(name: str) -> str:
    """A built program of the release tree; ends with how to build it where there is none."""
    found = next((path for path in (ROOT / "build/release").rglob(name) if path.is_file()), None)
    if found is None:
        sys.exit(f"compare.py: {name} is not built: run scripts/build.sh --bench")
    return str(found)


def versions(peer: str) -> str:
    return " ".join((BENCH / "requirements" / f"{peer}.txt").read_text().split())
