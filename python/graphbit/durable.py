"""Durable runs: what an ``Executor`` made with a store can do with the runs in it."""

from __future__ import annotations

import json
from contextlib import contextmanager

from graphbit import _core
from graphbit.errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from typing import Any, Literal

    from graphbit.progress import Progress
    from graphbit.workflow import Workflow, WorkflowContext, WorkflowResult

    RunState = Literal["running", "parked", "paused", "completed", "failed", "cancelled"]
    OnChange = Literal["refuse", "map"]


class DurableRuns:
    """The doors of an ``Executor`` to the runs in its store.

    All but ``signal`` raise ConfigurationError (a ValueError) for an executor without a store, and
    ValueError for a run that is not there.
    """

    __slots__ = ()

    _native: _core.Executor

    def runs(
        self,
        *,
        state: RunState | None = None,
        workflow: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[dict[str, Any]]:
        """The runs in the store, newest first, as dicts: run_id, workflow, state, created_at, ...

        ``workflow``: only runs of workflows with this name. ``after``: the run_id of the last one
        seen, for the next page.
        """
        found: list[dict[str, Any]] = json.loads(self._native.runs(state, workflow, limit, after))
        return found

    def resume(
        self,
        run_id: str,
        workflow: Workflow | None = None,
        *,
        timeout_s: float | None = None,
        on_change: OnChange = "refuse",
        progress: Progress = False,
    ) -> WorkflowResult:
        """Goes on with a run, also with one that failed or was cancelled, and waits for its result.

        ``workflow``: needed where it calls Python functions and this executor has not seen it.
        ``progress``: as in ``execute``; the total is known where ``workflow`` is given.
        """
        return self._go_on("resume", run_id, workflow, timeout_s, on_change, progress)

    def retry_failed(
        self,
        run_id: str,
        workflow: Workflow | None = None,
        *,
        timeout_s: float | None = None,
        on_change: OnChange = "refuse",
        progress: Progress = False,
    ) -> WorkflowResult:
        """Runs what failed, and what follows it, again, also in a run that completed; waits."""
        return self._go_on("retry", run_id, workflow, timeout_s, on_change, progress)

    def fork(
        self,
        run_id: str,
        from_node: str | None = None,
        inputs: Mapping[str, Any] | WorkflowContext | None = None,
        *,
        workflow: Workflow | None = None,
        new_run_id: str | None = None,
        timeout_s: float | None = None,
        progress: Progress = False,
    ) -> WorkflowResult:
        """Another run that keeps what is recorded but for ``from_node`` and what follows it; waits.

        ``inputs``: instead of the run's own; what is kept is not run again for them. Without
        ``from_node`` only what has not ended is run. The new run's id is ``result.run_id()``.
        """
        from graphbit.workflow import _result, _run

        flow, kept_inputs = _native_of(workflow), _run({"inputs": inputs})["inputs"]
        with _report(progress, flow) as tell:
            return _result(
                self._native.fork(run_id, from_node, kept_inputs, new_run_id, flow, timeout_s, tell)
            )

    def cancel(self, run_id: str) -> str:
        """Cancels a run wherever it is at work; its state then.

        "running": its owner hears of it within about a second.
        """
        return self._native.cancel(run_id)

    def signal(self, run_id: str, name: str, value: object = None) -> None:
        """Tells a run something: ``Node.wait(name)`` goes on with ``value``, which must be JSON.

        What came first under a name counts. Without a store the run must be at work here.
        """
        self._native.signal(run_id, name, json.dumps(value))

    def history(self, run_id: str) -> list[dict[str, Any]]:
        """What happened in a run, in order: what was asked and answered, when, by whom, at what cost.

        One dict per event: ``id``, ``event``, ``time``, ``node``, ``by``; nodes that ended have
        ``output`` or ``error`` and ``calls`` (asked, answer, model, usage, cost, attempts).
        """
        events: list[dict[str, Any]] = json.loads(self._native.history(run_id))
        return events

    def follow(self, run_id: str, after: int = 0) -> RunFollower:
        """The events of a run as they are recorded, by whichever process: ``for`` or ``async for``.

        ``after``: the ``id`` of the last event seen; 0: from the start. Ends with the run.
        """
        _core.text_argument(run_id, "run_id")
        follower = object.__new__(RunFollower)
        follower._native = self._native
        follower._run_id = run_id
        follower._after = _core.unsigned_argument(after, "after", 2**63 - 1)
        follower._ready = []
        return follower

    def prune(self, *, older_than_s: float | None = None, keep: int | None = None) -> int:
        """Deletes ended runs now: those that ended so long ago, and all but the newest ``keep``.

        Their number. Every executor does so by its own rule (``keep_runs_s``, 30 days) by itself.
        """
        return self._native.prune(older_than_s, keep)

    def store_size(self) -> dict[str, Any]:
        """``runs_open``, ``runs_ended``, ``bytes`` and ``oldest`` (when the oldest run ended)."""
        size: dict[str, Any] = json.loads(self._native.store_size())
        return size

    def _go_on(
        self,
        how: str,
        run_id: str,
        workflow: Workflow | None,
        timeout_s: float | None,
        on_change: OnChange,
        progress: Progress,
    ) -> WorkflowResult:
        from graphbit.workflow import _result

        flow = _native_of(workflow)
        with _report(progress, flow) as tell:
            return _result(self._native.go_on(how, run_id, flow, timeout_s, on_change, tell))


def _native_of(workflow: Workflow | None) -> _core.Workflow | None:
    from graphbit.workflow import Workflow, _instance

    return None if workflow is None else _instance(workflow, Workflow, "workflow")._native


@contextmanager
def _report(progress: Progress, flow: _core.Workflow | None) -> Iterator[Callable[[int, int], None] | None]:
    """What the native side calls as nodes end; None where nobody wants to know."""
    if not progress:
        yield None
        return
    from graphbit.progress import ProgressReport

    with ProgressReport(progress, None if flow is None else flow.node_count(), "node") as report:
        yield report.at


class RunFollower:
    """The events of one run, for ``for`` and ``async for``; made by ``Executor.follow``."""

    __slots__ = ("_after", "_native", "_ready", "_run_id")

    _native: _core.Executor
    _run_id: str
    _after: int
    _ready: list[dict[str, Any]]

    def __init__(self) -> None:
        raise TypeError("No constructor defined for RunFollower")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        while not self._ready:
            if not self._fetch():
                raise StopIteration
        return self._ready.pop()

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        import asyncio

        loop = asyncio.get_running_loop()
        while not self._ready:
            if not await loop.run_in_executor(None, self._fetch):
                raise StopAsyncIteration
        return self._ready.pop()

    def _fetch(self) -> bool:
        """Waits a moment for events; False: there will be none any more."""
        text, over = self._native.follow(self._run_id, self._after)
        events = json.loads(text)
        if not events:
            return not over
        self._after = events[-1]["id"]
        self._ready = events[::-1]
        return True


def idempotency_key() -> str:
    """Inside a tool or another function of a durable run: a key that is the same whenever this very
    call is made again after a crash, for effects outside that must happen once. Else empty.
    """
    return _core.idempotency_key()


def register_codec(
    type_: type[Any], name: str, encode: Callable[[Any], Any], decode: Callable[[Any], Any]
) -> None:
    """Has results of this type recorded: ``encode`` gives JSON of them, ``decode`` the value back.

    Functions that get such a value as input get it decoded. ``name`` is what is recorded; it must
    stay the same. Results that are neither JSON nor of a registered type fail their node.

    Raises TypeError for what is no type, ValueError for an empty name.
    """
    if not isinstance(type_, type):
        raise TypeError("register_codec takes a type, its name, and two functions")
    if not _core.text_argument(name, "name"):
        raise ConfigurationError("a codec needs a name", field="name")
    _core.register_codec(type_, name, encode, decode)
