#!/usr/bin/env python3
"""Writes docs/api_coverage.md: every public name of the package, member by member, with the tests that use it.

The names come from the package itself (`graphbit.__all__`), the tests from the syntax trees of tests/python: a test
counts for `Class.member` when it names the member and, itself or by its fixtures, helpers and decorators, the class (or
what makes objects of it). With --check nothing is written; the exit code is 1 if the file is stale or a member has no
test.

Usage: .venv/bin/python scripts/api_coverage.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "python"
TARGET = ROOT / "docs" / "api_coverage.md"
TESTS_SHOWN_MAX = 4
LISTED_LAST = "test_any_arguments.py"  # it tries everything, and says little about anything

SECTIONS = {
    "Module": "init version get_system_info health_check configure_runtime shutdown __version__ __author__"
    " __description__",
    "LLM configuration": "LlmConfig",
    "LLM client": "LlmClient StreamIterator LlmResponse LlmUsage FinishReason LlmToolCall",
    "Nodes and workflows": "Node Workflow WorkflowContext",
    "Executor": "Executor WorkflowStreamIterator WorkflowResult",
    "Tools": "tool get_tool_registry clear_tools execute_tool get_registered_tools execute_workflow_tool_calls"
    " execute_production_tool_calls sync_global_tools_to_workflow ToolRegistry ToolDecorator ToolExecutor"
    " ExecutorConfig ToolResult ToolResultCollection",
    "Embeddings": "EmbeddingConfig EmbeddingClient",
    "Text splitting": "TextSplitterConfig TextSplitter CharacterSplitter TokenSplitter SentenceSplitter"
    " RecursiveSplitter TextChunk",
    "Documents": "DocumentLoaderConfig DocumentLoader DocumentContent",
    "Guardrails": "GuardRailPolicyConfig",
    "Memory": "MemoryConfig MemoryClient PyMemory PyScoredMemory PyMemoryHistory",
}

# Classes that a test meets without naming them, and the names that lead to them.
MADE_BY = {
    "StreamIterator": ("LlmClient",),
    "LlmResponse": ("LlmClient",),
    "LlmUsage": ("LlmResponse", "LlmClient"),
    "FinishReason": ("LlmResponse", "LlmClient"),
    "LlmToolCall": ("LlmResponse", "LlmClient"),
    "WorkflowResult": ("Executor",),
    "WorkflowStreamIterator": ("Executor",),
    "ToolResult": ("ToolRegistry", "ToolExecutor"),
    "ToolResultCollection": ("ToolExecutor",),
    "TextChunk": ("TextSplitter", "CharacterSplitter", "TokenSplitter", "SentenceSplitter", "RecursiveSplitter"),
    "DocumentContent": ("DocumentLoader",),
    "PyMemory": ("MemoryClient",),
    "PyScoredMemory": ("MemoryClient",),
    "PyMemoryHistory": ("MemoryClient",),
}


class Row(NamedTuple):
    """One public function, class or member."""

    owner: str
    member: str
    signature: str

    @property
    def name(self) -> str:
        return self.member if not self.owner else f"{self.owner}.{self.member}" if self.member else self.owner


class Test(NamedTuple):
    """A test function and every identifier it reaches."""

    name: str
    identifiers: frozenset[str]


def rows_of(name: str) -> Iterator[Row]:
    """The rows of one public name: itself and, for a class, its constructor and members."""
    import graphbit

    value = getattr(graphbit, name)
    if not inspect.isclass(value):
        yield Row("", name, _signature(value))
        return
    yield Row(name, "", _signature(value))
    for member in sorted(dir(value)):
        if member.startswith("_") or hasattr(object, member):
            continue
        static = inspect.getattr_static(value, member)
        yield Row(name, member, "" if isinstance(static, property) else _signature(getattr(value, member)))


def _signature(value: object) -> str:
    if not callable(value):
        return ""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    bare = [
        parameter.replace(annotation=parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    return re.sub(r"<[^<>]*>", "...", str(signature.replace(parameters=bare, return_annotation=signature.empty)))


def tests_in(folder: Path) -> list[Test]:
    """Every test of a folder's files; the fixtures of conftest.py are known to all."""
    shared = _functions(ast.parse((folder / "conftest.py").read_text(encoding="utf-8")))
    tests: list[Test] = []
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {**shared, **_functions(tree)}
        constants = _constants(tree)
        for class_name, function in _test_functions(tree):
            identifiers = _reached(_names(function), functions, constants)
            identifiers |= _reached({"_class_" + class_name}, functions, constants)
            place = f"{class_name}::{function.name}" if class_name else function.name
            tests.append(Test(f"{path.name}::{place}", frozenset(identifiers)))
    return tests


def _test_functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            yield "", node
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and inner.name.startswith("test"):
                    yield node.name, inner


def _functions(tree: ast.Module) -> dict[str, set[str]]:
    """What each function or class of a file that is no test names; a test class's fixtures under ``_class_NAME``."""
    found: dict[str, set[str]] = {}
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            others = [inner for inner in node.body if not getattr(inner, "name", "").startswith("test")]
            found["_class_" + node.name] = set().union(*(_names(inner) for inner in [*others, *node.decorator_list]))
        elif not node.name.startswith("test"):
            found[node.name] = _names(node)
    return found


def _constants(tree: ast.Module) -> dict[str, set[str]]:
    """What each module-level assignment names."""
    found: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in [node.target] if isinstance(node, ast.AnnAssign) else node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = _names(node.value)
    return found


def _names(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names |= {node.id, f"graphbit.{node.id}"}
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
            if isinstance(node.value, ast.Name) and node.value.id == "graphbit":
                names.add(f"graphbit.{node.attr}")
        elif isinstance(node, (ast.arg, ast.keyword)) and node.arg:
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names |= {node.name.rpartition(".")[2], f"graphbit.{node.name}"}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names |= {node.value, f"graphbit.{node.value}"}  # named in a parametrize list
    return names


def _reached(names: set[str], functions: dict[str, set[str]], constants: dict[str, set[str]]) -> set[str]:
    """Names together with those of the functions, fixtures and constants they lead to."""
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting.extend(functions.get(name, ()))
        waiting.extend(constants.get(name, ()))
    return reached


def tests_for(row: Row, tests: list[Test]) -> list[str]:
    """The tests that use a row's member."""
    if row.owner and row.member:
        owners = {row.owner, *MADE_BY.get(row.owner, ())}
        found = [test.name for test in tests if row.member in test.identifiers and owners & test.identifiers]
    else:
        found = [test.name for test in tests if f"graphbit.{row.owner or row.member}" in test.identifiers]
    return sorted(found, key=lambda name: name.startswith(LISTED_LAST))


def report(tests: list[Test]) -> tuple[str, list[str]]:
    """The text of the table, and the rows without a test."""
    missing: list[str] = []
    lines = [
        "# The public API and its tests",
        "",
        "Written by `scripts/api_coverage.py`; do not edit. A test is listed when it uses the member.",
    ]
    for section, names in SECTIONS.items():
        lines += ["", f"## {section}", "", "| member | tests |", "| --- | --- |"]
        for name in names.split():
            for row in rows_of(name):
                found = tests_for(row, tests)
                if not found:
                    missing.append(row.name)
                more = f", {len(found) - TESTS_SHOWN_MAX} more" if len(found) > TESTS_SHOWN_MAX else ""
                shown = ", ".join(f"`{test}`" for test in found[:TESTS_SHOWN_MAX]) + more
                signature = row.signature.replace("|", "\\|")
                lines.append(f"| `{row.name}{signature}` | {shown or '**none**'} |")
    return "\n".join(lines) + "\n", missing


def main() -> int:
    parser = argparse.ArgumentParser(description="Lists the public API with its tests in docs/api_coverage.md.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if the file is stale or a test missing"
    )
    options = parser.parse_args()
    import graphbit

    unknown = set(graphbit.__all__) - set(" ".join(SECTIONS.values()).split())
    text, missing = report(tests_in(TESTS))
    faults = [f"no section for {name}" for name in sorted(unknown)] + [f"no test for {name}" for name in missing]
    if options.check and TARGET.read_text(encoding="utf-8") != text:
        faults.append(f"{TARGET.relative_to(ROOT)} is stale: run scripts/api_coverage.py")
    if not options.check:
        beside = TARGET.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(TARGET)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
