"""Models that are asked through a Python library (LiteLLM) instead of over our own wire.

Such a library blocks, so calls run on threads. Retries, limits and the connection pool are the
library's own; statistics, validation and the shape of every call are those of ``LlmClient``.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from graphbit import _core, response
from graphbit.errors import CoreError, GraphBitError, ValidationError
from graphbit.observability import present_traceparent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence
    from typing import Any

    from graphbit.response import LlmResponse

    Answer = tuple[str, str, str, int, int]

_THREADS_MAX = 20


class PythonProvider:
    """One chat function of a library, and the model it is asked for."""

    def __init__(self, name: str, chat: Any, model: str) -> None:
        self.name = name
        self.model = model
        self._chat = chat

    def __call__(
        self, arguments: tuple[list[dict[str, str]], int | None, float | None, str | None]
    ) -> Answer:
        """Asks: (content, model, finish_reason, prompt_tokens, completion_tokens).

        ``arguments``: messages, max_tokens, temperature, the traceparent of the caller's span.
        """
        started_ns = time.monotonic_ns()
        caller = arguments[3] or present_traceparent()
        try:
            answer = self._ask(*arguments[:3])
        except BaseException as error:
            failure = type(error).__name__
            _core.record_python_call(self.name.lower(), self.model, started_ns, caller, "", 0, 0, failure)
            raise
        _core.record_python_call(self.name.lower(), self.model, started_ns, caller, *answer[2:], None)
        return answer

    def _ask(
        self, messages: list[dict[str, str]], max_tokens: int | None, temperature: float | None
    ) -> Answer:
        options = {"max_tokens": max_tokens, "temperature": temperature}
        given = {name: value for name, value in options.items() if value is not None}
        answer = self._chat(self.model, messages=messages, **given)
        choice = answer.choices[0]
        usage = getattr(answer, "usage", None)
        return (
            choice.message.content or "",
            self.model,
            getattr(choice, "finish_reason", None) or "stop",
            getattr(usage, "prompt_tokens", 0) or 0,
            getattr(usage, "completion_tokens", 0) or 0,
        )


class BridgeClient:
    """Stands in for the native client of an ``LlmClient``."""

    def __init__(self, provider: PythonProvider) -> None:
        self._provider = provider
        self._pool = ThreadPoolExecutor(_THREADS_MAX, thread_name_prefix="graphbit-bridge")
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.reset_stats()

    def complete(self, *arguments: Any) -> str:
        return self._ask(_checked(arguments, full=False), arguments).content

    def complete_full(self, *arguments: Any) -> LlmResponse:
        return self._ask(_checked(arguments, full=True), arguments)

    def complete_async(self, *arguments: Any) -> Awaitable[str]:
        messages = _checked(arguments, full=False)
        return self._run(lambda: self._ask(messages, arguments).content)

    def complete_full_async(self, *arguments: Any) -> Awaitable[LlmResponse]:
        messages = _checked(arguments, full=True)
        return self._run(lambda: self._ask(messages, arguments))

    def chat(self, messages: Sequence[tuple[str, str]], *rest: Any) -> Awaitable[str]:
        _checked(("x", *rest), full=False)
        kept = [{"role": role, "content": content} for role, content in messages if content]
        if not messages:
            raise ValidationError("Messages list cannot be empty", field="messages")
        if not kept:
            raise ValidationError("No valid messages found", field="messages")
        return self._run(lambda: self._ask(kept, ("x", *rest)).content)

    def start_batch(
        self,
        max_tokens: int | None,
        temperature: float | None,
        max_concurrency: int | None,
        options: Mapping[str, Any],
        full: bool,
    ) -> tuple[_ThreadedBatch, Awaitable[list[Any]]]:
        # Nothing of ours waits or counts here, so a batch's own keywords have no effect.
        own = ("max_pause_s", "max_cost", "max_total_tokens")
        of_calls = {name: value for name, value in options.items() if name not in own}
        rest = (max_tokens, temperature, False, of_calls)
        _checked(("x", *rest), full=False)
        if max_concurrency is not None:
            _core.unsigned_argument(max_concurrency, "max_concurrency", 2**32 - 1)
        if max_concurrency == 0:
            raise ValidationError(
                "max_concurrency must be greater than 0", field="max_concurrency"
            )
        batch = _ThreadedBatch(self, rest, max_concurrency or _THREADS_MAX, full)
        return batch, batch.results

    def stream(
        self, prompt: str, max_tokens: Any, temperature: Any, options: Mapping[str, Any]
    ) -> _OneChunk:
        of_calls = {name: value for name, value in options.items() if name != "on_stream_failure"}
        arguments = (prompt, max_tokens, temperature, False, of_calls)
        messages = _checked(arguments, full=False)
        return _OneChunk(self, lambda: self._ask(messages, arguments))

    def warm_up(self) -> Awaitable[str]:
        return self._run(lambda: "Client warmed up successfully")

    def set_limits(self, max_in_flight: object, rpm: object, tpm: object) -> None:
        raise ValidationError("a Python provider has no limits of ours; set them in its library")

    def stats(self) -> dict[str, Any]:
        with self._lock:
            ended = self._succeeded + self._failed
            return {
                "total_requests": ended,
                "successful_requests": self._succeeded,
                "failed_requests": self._failed,
                "success_rate": self._succeeded / ended if ended else 0.0,
                "average_response_time_ms": self._spent_ms / self._succeeded
                if self._succeeded
                else 0.0,
                "circuit_breaker_state": "Closed (failures: 0)",
                "uptime_seconds": int(time.monotonic() - self._started),
            }

    def reset_stats(self) -> None:
        with self._lock:
            self._succeeded = self._failed = 0
            self._spent_ms = 0.0

    def _run(self, work: Any) -> Awaitable[Any]:
        # In the caller's context: it knows the span that the call belongs to.
        inside = contextvars.copy_context().run
        return asyncio.get_running_loop().run_in_executor(self._pool, inside, work)

    def _ask(self, messages: list[dict[str, str]], arguments: Sequence[Any]) -> LlmResponse:
        started = time.monotonic()
        try:
            content, model, finish, prompt_tokens, completion_tokens = self._provider(
                (messages, arguments[1], arguments[2], None)
            )
        except GraphBitError:
            self._count(False, 0)
            raise
        except Exception as error:
            self._count(False, 0)
            words = f"LLM provider error: {self._provider.name} - {error}"
            raise CoreError(words, provider=self._provider.name) from error
        spent_ms = (time.monotonic() - started) * 1000
        self._count(True, spent_ms)
        usage = (prompt_tokens, completion_tokens, prompt_tokens + completion_tokens, None, None)
        call = ("python_bridge", "", 1, spent_ms, None, False)
        return response._from_native(content, model, None, [], usage, finish, call)

    def _count(self, success: bool, spent_ms: float) -> None:
        with self._lock:
            self._succeeded += success
            self._failed += not success
            self._spent_ms += spent_ms


class _ThreadedBatch:
    """Stands in for the native batch."""

    def __init__(self, client: BridgeClient, rest: tuple[Any, ...], limit: int, full: bool) -> None:
        self._client, self._rest, self._full = client, rest, full
        self._slots = asyncio.Semaphore(limit)
        self._items: list[asyncio.Task[Any]] = []
        self._failed = 0
        self._closed = asyncio.Event()
        self.results: Awaitable[list[Any]] = asyncio.ensure_future(self._gather())

    def add(self, prompts: list[str]) -> None:
        self._items += [asyncio.ensure_future(self._one(prompt)) for prompt in prompts]

    def close(self) -> None:
        self._closed.set()

    def cancel(self) -> None:
        for item in self._items:
            item.cancel()
        self.close()

    def counts(self) -> tuple[int, int]:
        ended = [item for item in self._items if item.done()]
        return len(ended), self._failed

    def take_room(self) -> int | None:
        return 16

    async def wait_for_room(self) -> None:
        await asyncio.sleep(0)

    async def _gather(self) -> list[Any]:
        await self._closed.wait()
        return list(await asyncio.gather(*self._items))

    async def _one(self, prompt: str) -> Any:
        if not prompt:
            return None if self._full else ""
        async with self._slots:
            try:
                answer = await self._client.complete_full_async(prompt, *self._rest)
                return answer if self._full else answer.content
            except Exception as error:
                self._failed += 1
                return error if self._full else f"Error: {error}"


class _OneChunk:
    """Stands in for the native stream: the whole text as one chunk."""

    def __init__(self, client: BridgeClient, ask: Any) -> None:
        self._client, self._ask = client, ask
        self._response: LlmResponse | None = None
        self._given = False

    def take(self) -> list[str] | None:
        if self._given:
            return []
        if self._response is None:
            return None
        self._given = True
        return [self._response.content]

    def wait(self) -> None:
        self._response = self._ask()

    async def wait_async(self) -> None:
        self._response = await self._client._run(self._ask)

    def close(self) -> None:
        self._given = True

    def response(self) -> LlmResponse | None:
        return self._response


def _checked(arguments: Sequence[Any], *, full: bool) -> list[dict[str, str]]:
    prompt, max_tokens, temperature, caching, options = arguments
    _core.check_call(prompt, max_tokens, temperature, caching, options, full)
    return [{"role": "user", "content": prompt}]
