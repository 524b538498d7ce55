"""A member that runs Python functions: ``graphbit node --python MODULE`` becomes this module."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import signal
import sys
import time

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="graphbit node", description=__doc__)
    parser.add_argument("--python", required=True, metavar="MODULE", action="append")
    parser.add_argument("--listen", default="127.0.0.1:4711", metavar="HOST:PORT")
    parser.add_argument("--advertise", default="", metavar="HOST:PORT")
    parser.add_argument("--cert", metavar="FILE")
    parser.add_argument("--key", metavar="FILE")
    parser.add_argument("--ca", metavar="FILE")
    parser.add_argument("--seed", action="append", default=[], metavar="HOST:PORT")
    parser.add_argument("--cluster", default="graphbit", metavar="NAME")
    parser.add_argument("--name", default="")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--labels", default="", metavar="A,B")
    parser.add_argument("--drain", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("-q", "--quiet", action="store_true")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM, SIGINT or ``graphbit cluster drain``; then drains."""
    given = _parser().parse_args(arguments)
    sys.path.insert(0, os.getcwd())
    functions: dict[str, Callable[[Any], Any]] = {}
    for name in given.python:
        functions.update(functions_of(importlib.import_module(name)))
    if not given.quiet:
        _core.set_log_level("info")
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    node = _core.ClusterNode(
        given.listen,
        given.advertise,
        given.cert,
        given.key,
        given.ca,
        given.seed,
        given.cluster,
        given.name,
        given.slots,
        [label for label in given.labels.split(",") if label],
        functions,
    )
    print(f"listening on {node.address()}", flush=True)
    while not ending and not node.draining():
        time.sleep(0.05)
    in_time = node.drain(given.drain)
    print("drained" if in_time else "not drained in time", file=sys.stderr)
    node.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
