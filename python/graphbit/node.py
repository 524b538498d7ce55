"""A member that runs Python functions: ``graphbit node --python MODULE`` becomes this module."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import signal
import sys
import time

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType, ModuleType
    from typing import Any


def functions_of(module: ModuleType) -> dict[str, Callable[[Any], Any]]:
    """The public functions that a module defines, by the names that owners use."""

    def by_json(function: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda call: function(*call["args"], **call["kwargs"])

    return {
        f"{function.__module__}.{function.__qualname__}": by_json(function)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }


def main(settings: Mapping[str, Any]) -> int:
    """Serves until SIGTERM, SIGINT or ``graphbit cluster drain``; then drains.

    ``settings``: the options of ``graphbit node``, as that command has understood them.
    """
    sys.path.insert(0, os.getcwd())
    functions: dict[str, Callable[[Any], Any]] = {}
    for name in settings["python"]:
        functions.update(functions_of(importlib.import_module(name)))
    if not settings["quiet"]:
        _core.set_log_level("info")
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    node = _core.ClusterNode(settings, functions)
    if settings["metrics_address"]:
        print(f"metrics on {node.metrics_url()}", file=sys.stderr, flush=True)
    print(f"listening on {node.address()}", flush=True)
    while not ending and not node.draining():
        time.sleep(0.05)
    in_time = node.drain(settings["drain_s"])
    print("drained" if in_time else "not drained in time; the rest was given back", file=sys.stderr)
    failed = node.failed()
    node.close()
    return 1 if failed else 0


def _run(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or not arguments[0].startswith("{"):
        print("start this by `graphbit node --python MODULE`", file=sys.stderr)
        return 2
    try:
        return main(json.loads(arguments[0]))
    except Exception as e:  # noqa: BLE001 - told in a line, as the other subcommands do
        print(f"graphbit: {type(e).__name__}: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
