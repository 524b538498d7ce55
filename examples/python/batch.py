#!/usr/bin/env python3
"""A batch that survives: prompts from a generator, answers as they finish, a journal that is continued.

The first run is left after 300 outcomes, as a crash would; the second asks only for the rest.
Runs on the embedded simulator, which counts what it is asked.
"""

from __future__ import annotations

import asyncio
import pathlib
import tempfile
from collections.abc import Iterator

from graphbit import LlmClient
from graphbit.testing import Simulator

COUNT = 1000


def prompts() -> Iterator[str]:
    """Any iterable will do, also an asynchronous one, a path or a DataFrame's column."""
    for i in range(COUNT):
        yield f"Classify ticket {i}"


async def first_run(client: LlmClient, journal: pathlib.Path) -> int:
    """Leaves the iteration early: what is in flight is cancelled, what is finished is kept."""
    seen = 0
    async for _ in client.run_batch(prompts(), journal=journal):
        seen += 1
        if seen == 300:
            break
    return seen


async def second_run(client: LlmClient, journal: pathlib.Path) -> tuple[int, int, str | None]:
    """The same arguments and the same journal continue it."""
    resumed = failed = 0
    last = None
    async for outcome in client.run_batch(prompts(), journal=journal, ordered=True):
        resumed += outcome.resumed
        failed += outcome.error is not None
        last = outcome.text
    return resumed, failed, last


def main() -> None:
    with Simulator(latency_ms=5, fault_500=0.02) as simulator, tempfile.TemporaryDirectory() as folder:
        client = LlmClient(simulator.llm_config(max_in_flight=50))
        journal = pathlib.Path(folder) / "run.db"
        print(f"first run: left after {asyncio.run(first_run(client, journal))} of {COUNT} outcomes")
        resumed, failed, last = asyncio.run(second_run(client, journal))
        print(f"second run: at least 300 were in the journal: {resumed >= 300}; {failed} failed; the last: {last}")


if __name__ == "__main__":
    main()
