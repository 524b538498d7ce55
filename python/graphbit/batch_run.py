"""Batches of any size whose finished lines outlive the process: what ``LlmClient.run_batch`` gives."""

from __future__ import annotations

import json
import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
    from typing import Any, Union

    from graphbit import _core
    from graphbit.response import LlmResponse

    Request = Union[str, dict[str, Any]]
    Source = Union[str, os.PathLike[str], Iterable[Request], AsyncIterable[Request]]


class BatchOutcome:
    """What became of one request of a batch."""

    __slots__ = (
        "attempts",
        "cost",
        "custom_id",
        "embeddings",
        "error",
        "index",
        "latency_ms",
        "response",
        "resumed",
        "text",
        "usage",
    )

    index: int
    """Place in the source, from 0."""
    custom_id: str
    """The request's own name; its index as text where it had none."""
    text: str | None
    """The answer; None for a failure and for embeddings."""
    error: Exception | str | None
    """What ``complete`` would have raised; of a resumed line its text; None for an answer."""
    response: LlmResponse | None
    """The whole answer; None for failures, embeddings and resumed lines."""
    embeddings: list[list[float]] | None
    """One vector per input, for requests to ``/v1/embeddings``."""
    usage: dict[str, Any] | None
    """Tokens as the provider counted them."""
    cost: float | None
    """US dollars by ``graphbit.prices``; None for failures, embeddings, resumed lines, unknown prices."""
    attempts: int
    """Requests sent for it; 0 for a resumed line."""
    latency_ms: float
    """From its start to its end, retries and pauses included; 0 for a resumed line."""
    resumed: bool
    """True: it was finished by an earlier run of the same journal."""

    def __repr__(self) -> str:
        state = "error" if self.error is not None else "ok"
        return f"BatchOutcome(index={self.index}, custom_id={self.custom_id!r}, {state})"


class BatchRun:
    """A running batch: iterate over it, with ``async for`` or ``for``, to get its outcomes.

    Outcomes come as they finish (with ``ordered=True`` in the order of the source), each after it was
    kept in the journal. Iteration raises what ended the batch early: a changed line, a full disk, a
    key that is refused, an exhausted quota. Leaving the iteration early cancels what is in flight.
    """

    def __init__(
        self,
        native: _core.BatchRun,
        source: Source,
        form: dict[str, Any],
        ordered: bool,
        progress: bool | Callable[[dict[str, Any]], None],
    ) -> None:
        self._native = native
        self._source = source
        self._form = form
        self._ordered = ordered
        self._progress = _progress_line(progress)
        self._failure: BaseException | None = None
        self._started = False

    def progress(self) -> dict[str, Any]:
        """How far it is: read, resumed, succeeded, failed, not_started, attempts,
        prompt_tokens, completion_tokens, cost (US dollars, of answers whose price is known), in_flight,
        paused.

        Empty once the iteration has ended.
        """
        return self._native.progress()

    def cancel(self) -> None:
        """Ends it: what is in flight is cancelled, what is finished is kept."""
        self._native.cancel()

    def __iter__(self) -> Iterator[BatchOutcome]:
        if hasattr(self._source, "__aiter__"):
            raise TypeError("an asynchronous source needs `async for`")
        self._start_thread()
        return _in_order(self._outcomes()) if self._ordered else self._outcomes()

    def _outcomes(self) -> Iterator[BatchOutcome]:
        try:
            while (lines := self._take()) != []:
                if lines is None:
                    self._native.wait()
                    continue
                for line in lines:
                    yield _outcome(line)
                self._progress(self._native)
        finally:
            self._progress(self._native, last=True)
            self._native.release()

    def __aiter__(self) -> AsyncIterator[BatchOutcome]:
        return self._outcomes_async()

    async def _outcomes_async(self) -> AsyncIterator[BatchOutcome]:
        feeding = self._start_feeding()
        waiting: dict[int, BatchOutcome] = {}
        following = 0
        try:
            while (lines := self._take()) != []:
                if lines is None:
                    await self._native.wait_async()
                    continue
                for line in lines:
                    outcome = _outcome(line)
                    if not self._ordered:
                        yield outcome
                        continue
                    waiting[outcome.index] = outcome
                    while following in waiting:
                        yield waiting.pop(following)
                        following += 1
                self._progress(self._native)
            if feeding is not None:
                await feeding
        finally:
            self._progress(self._native, last=True)
            self._native.release()

    def _take(self) -> list[tuple[Any, ...]] | None:
        try:
            return self._native.take()
        except RuntimeError:
            # The source's own failure is why the batch was cancelled, so that is what is told.
            if self._failure is not None:
                raise self._failure from None
            raise

    # --- the source -------------------------------------------------------------------------------

    def _start_feeding(self) -> Awaitable[None] | None:
        source: Any = self._source
        if not hasattr(source, "__aiter__"):
            self._start_thread()
            return None
        import asyncio

        return asyncio.ensure_future(self._feed_async(source))

    def _start_thread(self) -> None:
        if self._started:
            raise RuntimeError("a batch can be iterated once; start another with the same journal")
        self._started = True
        threading.Thread(target=self._feed, name="graphbit-batch-source", daemon=True).start()

    def _feed(self) -> None:
        try:
            for line in _lines(self._source, self._form):
                self._native.add(line)
            self._native.close()
        except BaseException as failure:
            self._end_by(failure)

    async def _feed_async(self, source: AsyncIterable[Request]) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        try:
            index = 0
            async for request in source:
                line = _line(request, index, self._form)
                await loop.run_in_executor(None, self._native.add, line)
                index += 1
            self._native.close()
        except BaseException as failure:
            self._end_by(failure)

    def _end_by(self, failure: BaseException) -> None:
        self._failure = failure
        self._native.cancel()


def _lines(source: Any, form: dict[str, Any]) -> Iterator[str | bytes]:
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:  # as bytes: what is no UTF-8 is named by its line
            for line in file:
                if line.strip():
                    yield line.rstrip(b"\r\n")
        return
    for index, request in enumerate(source):
        yield _line(request, index, form)


def _line(request: Request, index: int, form: dict[str, Any]) -> str:
    """One request as a line in OpenAI's batch form."""
    if isinstance(request, str):
        body = {**form, "messages": [{"role": "user", "content": request}]}
        return _dump(str(index), "/v1/chat/completions", body)
    if not isinstance(request, dict):
        kind = type(request).__name__
        raise TypeError(f"a batch takes prompts (str) and requests (dict), not {kind}")
    if "body" in request:
        return json.dumps({"custom_id": str(index), "method": "POST", **request}, ensure_ascii=False)
    request = dict(request)
    custom_id = str(request.pop("custom_id", index))
    if "prompt" in request:
        request["messages"] = [{"role": "user", "content": request.pop("prompt")}]
    url = "/v1/embeddings" if "input" in request else "/v1/chat/completions"
    return _dump(custom_id, url, request if "input" in request else {**form, **request})


def _dump(custom_id: str, url: str, body: dict[str, Any]) -> str:
    line = {"custom_id": custom_id, "method": "POST", "url": url, "body": body}
    return json.dumps(line, ensure_ascii=False)


# --- outcomes -------------------------------------------------------------------------------------


def _outcome(line: tuple[Any, ...]) -> BatchOutcome:
    index, custom_id, response, error, latency_ms, kept = line
    outcome = BatchOutcome()
    outcome.index, outcome.custom_id, outcome.latency_ms = index, custom_id, latency_ms
    outcome.error, outcome.resumed = error, kept is not None
    outcome.text = outcome.response = outcome.embeddings = outcome.usage = outcome.cost = None
    outcome.attempts = getattr(error, "attempts", 0) or 0
    if kept is not None:
        _fill_from_kept(outcome, json.loads(kept))
    elif isinstance(response, list):
        outcome.embeddings = response
    elif response is not None:
        outcome.response, outcome.text = response, response.content
        outcome.usage, outcome.cost = response.usage.to_dict(), response.cost
        outcome.attempts = getattr(response, "attempts", 1)
    return outcome


def _fill_from_kept(outcome: BatchOutcome, line: dict[str, Any]) -> None:
    outcome.custom_id = line["custom_id"]
    if line["error"] is not None:
        outcome.error = line["error"]["message"]
        return
    body = line["response"]["body"]
    outcome.usage = body["usage"]
    if body["object"] == "list":
        outcome.embeddings = [item["embedding"] for item in body["data"]]
    else:
        outcome.text = body["choices"][0]["message"]["content"]


def _in_order(outcomes: Iterator[BatchOutcome]) -> Iterator[BatchOutcome]:
    waiting: dict[int, BatchOutcome] = {}
    following = 0
    for outcome in outcomes:
        waiting[outcome.index] = outcome
        while following in waiting:
            yield waiting.pop(following)
            following += 1


# --- progress -------------------------------------------------------------------------------------


def _progress_line(progress: bool | Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    """What is called with the native run now and then: nothing, the caller's function, or a bar."""
    if progress is False or progress is None:
        return lambda native, last=False: None
    if callable(progress):
        return lambda native, last=False: progress(native.progress())
    return _Bar()


class _Bar:
    """A tqdm bar if tqdm is installed, else a line on stderr about every second."""

    def __init__(self) -> None:
        import time

        self._clock = time.monotonic
        self._next = 0.0
        try:
            from tqdm import tqdm
        except ImportError:
            self._tqdm = None
        else:
            self._tqdm = tqdm(unit="line")

    def __call__(self, native: _core.BatchRun, last: bool = False) -> None:
        if not last and self._clock() < self._next:
            return
        self._next = self._clock() + (0.1 if self._tqdm is not None else 1.0)
        now = native.progress()
        if not now:
            return
        done = now["resumed"] + now["succeeded"] + now["failed"]
        if self._tqdm is not None:
            self._tqdm.update(done - self._tqdm.n)
            self._tqdm.set_postfix(failed=now["failed"], in_flight=now["in_flight"])
            if last:
                self._tqdm.close()
            return
        import sys

        paused = ", paused: the provider is down" if now["paused"] else ""
        print(f"{done} done, {now['failed']} failed{paused}", file=sys.stderr, flush=True)
