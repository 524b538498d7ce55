#!/usr/bin/env python3
"""Writes the pages that show each promise with the tests that hold it: docs/api_coverage.md (the Python contract,
from tests/python/contract_rows.txt) and docs/promises.md (what holds when things go wrong, from
tests/promise_rows.txt).

With --check nothing is written. The exit code is 1 if a row has no test, a test named there does not exist, or
(with --check) a page is stale.

Usage: .venv/bin/python scripts/api_coverage.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"


@dataclass(frozen=True)
class Page:
    """A file of rows, and the page that is made of it."""

    title: str
    rows: Path
    target: Path


PAGES = [
    Page("The Python contract and its tests", TESTS / "python" / "contract_rows.txt", ROOT / "docs" / "api_coverage.md"),
    Page("What is promised when things go wrong, and its tests", TESTS / "promise_rows.txt", ROOT / "docs" / "promises.md"),
]


@dataclass
class Row:
    """One sentence, and its tests: FILE.CLASS.TEST or FILE.TEST of Python, SUITE.TEST of C++."""

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


def cpp_tests(folder: Path) -> set[str]:
    """Every test of a folder's C++ programs."""
    macro = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
    return {".".join(names) for path in folder.rglob("*_test.cpp") for names in macro.findall(path.read_text(encoding="utf-8"))}


def python_tests(folder: Path) -> set[str]:
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


def text_of(page: Page, rows: list[Row]) -> str:
    """The rows as Markdown tables, a section each."""
    lines = [f"# {page.title}", ""]
    lines.append(f"{len(rows)} rows. Written by `scripts/api_coverage.py` from `{page.rows.relative_to(ROOT)}`; do not edit.")
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            lines += ["", f"## {section}", "", "| row | tests |", "| --- | --- |"]
        tests = "<br>".join(f"`{test}`" for test in row.tests)
        lines.append(f"| {row.text.replace('|', chr(92) + '|')} | {tests} |")
    return "\n".join(lines) + "\n"


def faults_of(page: Page, known: set[str], check: bool) -> list[str]:
    """Writes the page, or checks it; what is wrong with it."""
    rows = read_rows(page.rows.read_text(encoding="utf-8"))
    faults = [f"no test for: {row.section}: {row.text}" for row in rows if not row.tests]
    faults += [f"no such test: {test} ({row.text})" for row in rows for test in row.tests if test not in known]
    text = text_of(page, rows)
    if not check:
        beside = page.target.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(page.target)
    elif page.target.read_text(encoding="utf-8") != text:
        faults.append(f"{page.target.relative_to(ROOT)} is stale: run scripts/api_coverage.py")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description="Lists promises with their tests.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is stale")
    options = parser.parse_args()
    known = python_tests(TESTS / "python") | cpp_tests(TESTS)
    faults = [fault for page in PAGES for fault in faults_of(page, known, options.check)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
