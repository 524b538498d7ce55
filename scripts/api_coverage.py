#!/usr/bin/env python3
"""Writes docs/api_coverage.md: every row of the Python contract with the tests that hold it.

The rows stand in tests/python/contract_rows.txt. With --check nothing is written. The exit code is 1 if a row
has no test, a test named there does not exist, or (with --check) the page is stale.

Usage: .venv/bin/python scripts/api_coverage.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "python"
ROWS = TESTS / "contract_rows.txt"
TARGET = ROOT / "docs" / "api_coverage.md"


@dataclass
class Row:
    """One sentence of the contract, and its tests as FILE.CLASS.TEST or FILE.TEST."""

    section: str
    text: str
    tests: list[str] = field(default_factory=list)


def read_rows(text: str) -> list[Row]:
    """The rows of the file; lines that begin with # are notes."""
    rows: list[Row] = []
    section = ""
    for line in text.splitlines():
        if line.startswith("== "):
            section = line[3:]
        elif line.startswith("- "):
            rows.append(Row(section, line[2:]))
        elif line.strip() and not line.startswith("#"):
            rows[-1].tests += line.split()
    return rows


def tests_there(folder: Path) -> set[str]:
    """Every test function of a folder, named as in the rows."""
    found: set[str] = set()
    for path in folder.glob("test_*.py"):
        stem = path.stem.removeprefix("test_")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            inner = node.body if isinstance(node, ast.ClassDef) else [node]
            place = f"{stem}.{node.name}" if isinstance(node, ast.ClassDef) else stem
            for function in inner:
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    found.add(f"{place}.{function.name}")
    return found


def page(rows: list[Row]) -> str:
    """The rows as Markdown tables, a section each."""
    lines = ["# The Python contract and its tests", ""]
    lines.append(f"{len(rows)} rows. Written by `scripts/api_coverage.py` from `tests/python/contract_rows.txt`; do not edit.")
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            lines += ["", f"## {section}", "", "| row | tests |", "| --- | --- |"]
        tests = "<br>".join(f"`{test}`" for test in row.tests)
        lines.append(f"| {row.text.replace('|', chr(92) + '|')} | {tests} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Lists the rows of the contract with their tests.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is stale")
    options = parser.parse_args()
    rows = read_rows(ROWS.read_text(encoding="utf-8"))
    known = tests_there(TESTS)
    faults = [f"no test for: {row.section}: {row.text}" for row in rows if not row.tests]
    faults += [f"no such test: {test} ({row.text})" for row in rows for test in row.tests if test not in known]
    text = page(rows)
    if not options.check:
        beside = TARGET.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(TARGET)
    elif TARGET.read_text(encoding="utf-8") != text:
        faults.append(f"{TARGET.relative_to(ROOT)} is stale: run scripts/api_coverage.py")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
