"""Several lists of texts at once, for code without an event loop."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from graphbit import _core
from graphbit.errors import ValidationError
from graphbit.progress import ProgressReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from graphbit.progress import Progress

_CONCURRENCY = 10


def embed_batches(
    client: _core.EmbeddingClient,
    texts_batch: Sequence[Sequence[str]],
    max_concurrency: int | None,
    timeout_ms: int | None,
    progress: Progress = False,
) -> dict[str, Any]:
    """What ``EmbeddingClient.embed_batch_parallel`` gives."""
    if isinstance(texts_batch, str):
        raise TypeError("argument 'texts_batch': 'str' object cannot be converted to 'Sequence'")
    batches = [_core.texts_argument(texts, "texts_batch") for texts in texts_batch]
    workers = _CONCURRENCY
    if max_concurrency is not None:
        workers = _core.unsigned_argument(max_concurrency, "max_concurrency", 2**32 - 1)
    if timeout_ms is not None:
        timeout_ms = _core.unsigned_argument(timeout_ms, "timeout_ms", 2**64 - 1)
    if not batches:
        raise ValidationError("Batch cannot be empty", field="texts_batch")
    if workers == 0:
        raise ValidationError("max_concurrency must be greater than 0", field="max_concurrency")

    started = time.monotonic()
    with ThreadPoolExecutor(min(workers, len(batches))) as pool, ProgressReport(
        progress, len(batches), "batch"
    ) as report:
        outcomes: list[Any] = []
        for outcome in pool.map(lambda texts: _embed(client, texts, timeout_ms), batches):
            outcomes.append(outcome)
            report.at(len(outcomes), sum(isinstance(o, Exception) for o in outcomes))
    return _summary(outcomes, time.monotonic() - started)


def _embed(client: _core.EmbeddingClient, texts: list[str], timeout_ms: int | None) -> Any:
    """The answer's tuple and its seconds, or the exception."""
    started = time.monotonic()
    try:
        timeout_s = None if timeout_ms is None else max(timeout_ms, 1) / 1000
        answer = client.embed(texts, {"timeout_s": timeout_s}, "whole")
        return answer, time.monotonic() - started
    except TimeoutError:
        return TimeoutError("Batch request timed out")
    except Exception as error:
        return error


def _summary(outcomes: list[Any], seconds: float) -> dict[str, Any]:
    failed = [isinstance(outcome, Exception) for outcome in outcomes]
    answers = [outcome for outcome, bad in zip(outcomes, failed) if not bad]
    spent_ms = sum(duration for _, duration in answers) * 1000
    return {
        "embeddings": [[] if bad else outcome[0][0] for outcome, bad in zip(outcomes, failed)],
        "errors": [f"Batch {i}: {o}" for i, (o, bad) in enumerate(zip(outcomes, failed)) if bad],
        "duration_ms": int(seconds * 1000),
        "stats": {
            "successful_requests": len(answers),
            "failed_requests": sum(failed),
            "avg_response_time_ms": spent_ms / len(answers) if answers else 0.0,
            "total_embeddings": sum(len(answer[0]) for answer, _ in answers),
            "total_tokens": sum(answer[3] for answer, _ in answers),
        },
    }
