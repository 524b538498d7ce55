"""Prompts of a batch that come from an iterator: taken as the batch has room for them."""

from __future__ import annotations

import asyncio
import itertools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Iterable
    from typing import Any

    from graphbit._core import PromptBatch


async def feed(
    batch: PromptBatch,
    prompts: Iterable[str] | AsyncIterable[str],
    results: Awaitable[list[Any]],
) -> list[Any]:
    """Feeds ``batch`` until ``prompts``, an iterator of either kind, ends; its results.

    What the iterator raises cancels the batch and is raised here.
    """
    try:
        room = await _room(batch)
        while room is not None:
            texts = await _take(prompts, room)
            if not texts:
                break
            batch.add(texts)
            room = room - len(texts) or await _room(batch)
        batch.close()
        return await results
    except BaseException:
        batch.cancel()
        raise


async def _room(batch: PromptBatch) -> int | None:
    """For how many prompts there is room, at least one; None: the batch takes no more."""
    while (room := batch.take_room()) == 0:
        await batch.wait_for_room()
    return room


async def _take(prompts: Any, count: int) -> list[str]:
    """Up to ``count`` prompts; none at the end."""
    if hasattr(prompts, "__next__"):
        texts = list(itertools.islice(prompts, count))
        await asyncio.sleep(0)  # a long iterator must not keep the loop from its other work
        return texts
    # One at a time: an asynchronous source may be slow, and what it gave can be asked already.
    try:
        return [await prompts.__anext__()]
    except StopAsyncIteration:
        return []
