"""How far a long call is: a bar, a line, or the caller's own function."""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import Any, Union

    from graphbit._core import EmbeddingClient, NodeCounts, PromptBatch

    Counting = Union[NodeCounts, PromptBatch]

    Progress = Union[bool, Callable[[dict[str, Any]], None], None]

_PART = 64  # texts to embed per request where progress is told


class ProgressReport:
    """Tells of a call that has ``total`` parts (None: not known), as ``progress`` wants it.

    ``True``: a tqdm bar where tqdm is installed, else a line on stderr about every second. A
    function: called with ``{"done", "failed", "total"}`` after each part, on the caller's thread.
    ``False`` or ``None``: nothing.
    """

    __slots__ = ("_bar", "_done", "_failed", "_next", "_tell", "_total", "_unit")

    def __init__(self, progress: Progress, total: int | None, unit: str) -> None:
        self._tell = progress if callable(progress) else None
        self._total, self._unit = total, unit
        self._done = self._failed = 0
        self._next = time.monotonic() + 1.0
        self._bar: Any = None
        if progress is True:
            try:
                from tqdm import tqdm
            except ImportError:
                self._tell = self._print
            else:
                self._bar = tqdm(total=total, unit=unit)

    def __bool__(self) -> bool:
        return self._tell is not None or self._bar is not None

    def at(self, done: int, failed: int = 0) -> None:
        """So many parts are done by now, so many of them failed."""
        if (done, failed) == (self._done, self._failed):
            return
        self._done, self._failed = done, failed
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
            if failed:
                self._bar.set_postfix(failed=failed)
        elif self._tell is not None:
            self._tell({"done": done, "failed": failed, "total": self._total})

    def __enter__(self) -> ProgressReport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._tell == self._print:
            self._next = 0.0
            self._print({"done": self._done, "failed": self._failed, "total": self._total})

    def _print(self, now: dict[str, Any]) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1.0
        failed = f", {now['failed']} failed" if now["failed"] else ""
        of = "" if now["total"] is None else f" of {now['total']}"
        print(f"{now['done']}{of} {self._unit}s done{failed}", file=sys.stderr, flush=True)


async def tell_of(
    work: Counting, results: Awaitable[Any], progress: Progress, total: int | None, unit: str
) -> Any:
    """Awaits what a batch or a run comes to and tells how far it is, on the event loop."""
    import asyncio

    waiting = asyncio.ensure_future(results)
    with ProgressReport(progress, total, unit) as report:
        try:
            while not (await asyncio.wait({waiting}, timeout=0.1))[0]:
                report.at(*work.counts())
            answers = await waiting
        except BaseException:
            waiting.cancel()
            raise
        report.at(*work.counts())
        return answers


def embed_in_parts(
    client: EmbeddingClient, texts: list[str], options: Mapping[str, Any], progress: Progress
) -> list[list[float]]:
    """What ``embed_many`` gives, asked for in parts, so that there is something to tell."""
    vectors: list[list[float]] = []
    with ProgressReport(progress, len(texts), "text") as report:
        for part in parts_of(texts):
            vectors += client.embed(part, options, "all")
            report.at(len(vectors))
    return vectors


async def tell_of_embeddings(
    parts: Sequence[Awaitable[list[list[float]]]], progress: Progress, total: int
) -> list[list[float]]:
    """What ``embed_batch`` gives, from parts that are under way at once."""
    import asyncio

    done = 0
    waiting = [asyncio.ensure_future(part) for part in parts]
    with ProgressReport(progress, total, "text") as report:
        try:
            for part in asyncio.as_completed(waiting):
                done += len(await part)
                report.at(done)
        finally:
            for one in waiting:
                one.cancel()
    return [vector for part in waiting for vector in part.result()]


def parts_of(texts: list[str]) -> list[list[str]]:
    """The texts in pieces of the size by which progress is told."""
    return [texts[start : start + _PART] for start in range(0, len(texts), _PART)]
