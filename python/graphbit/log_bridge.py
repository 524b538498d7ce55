"""Hands the library's log lines to Python's ``logging``: ``init(log_to_python=True)``."""

from __future__ import annotations

import atexit
import logging
import os
import threading

from graphbit import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEVELS = (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
_PATIENCE_S = 0.5
_bridge: _LogBridge | None = None


def start() -> None:
    """Lines go to the loggers ``graphbit.runtime``, ``graphbit.net``, ... from now on."""
    global _bridge
    if _bridge is None:
        _bridge = _LogBridge()


def flush() -> None:
    """Hands over what has been logged so far."""
    if _bridge is not None:
        _bridge.hand_over(0.0)


class _LogBridge:
    """A thread of Python's takes lines from the native queue, so that no native thread waits here."""

    def __init__(self) -> None:
        self._ending = False
        self._lock = threading.Lock()  # one hands over at a time, so that lines keep their order
        _core.attach_log_queue()
        self._start_thread()
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name="graphbit-log", daemon=True).start()

    def _work(self) -> None:
        while not self._ending:
            self.hand_over(_PATIENCE_S)

    def hand_over(self, patience_s: float) -> None:
        with self._lock:
            for line in _core.take_log_lines(patience_s):
                _handle(line)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._start_thread()

    def _end(self) -> None:
        self._ending = True
        self.hand_over(0.0)
        _core.detach_log_queue()


def _handle(line: tuple[Any, ...]) -> None:
    level, room, text, run_id, node, request_id, attempt, time_s = line
    logger = logging.getLogger("graphbit." + room)
    number = _LEVELS[min(level, len(_LEVELS) - 1)]
    if not logger.isEnabledFor(number):
        return
    extra = {"run_id": run_id, "node": node, "request_id": request_id, "attempt": attempt}
    record = logger.makeRecord(
        logger.name, number, "graphbit", 0, text, (), None, None, extra, None
    )
    record.created, record.msecs = time_s, (time_s % 1) * 1000
    logger.handle(record)
