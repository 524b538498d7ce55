#!/usr/bin/env python3
"""Load with faults for a while: every call is answered exactly once, and nothing grows.

Waves of every kind of call (sync from threads, gathered, batched, streamed, workflows, cancelled ones)
against a simulator that fails in all its ways. A wave that does not end, an answer too many or too few,
or more descriptors, threads, actors or memory at the end than after the first waves is a failure, and so
is memory that still grows in the second half.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from graphbit import Executor, LlmClient, LlmConfig, Node, Workflow, get_system_info, shutdown

FAULTS = {
    "fault_429": 0.02, "fault_500": 0.03, "fault_503": 0.02, "fault_reset": 0.02, "fault_reset_mid": 0.01,
    "fault_truncate": 0.01, "retry_after_s": 0.05, "latency_ms": 3, "latency_sigma": 0.5,
}
WAVE_TIMEOUT_S = 60
SETTLE_WAVES = 5  # pools and caches are filled by then


class Answers:
    """Counts what was asked and what came back, by kind of call."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.given: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.lock = threading.Lock()

    def note(self, kind: str, error: BaseException | None = None) -> None:
        with self.lock:
            self.given[kind] += 1
            self.failed[type(error).__name__ if error else "none"] += 1

    async def of(self, kind: str, awaitable, answers: int = 1) -> None:
        self.asked[kind] += answers
        error = None
        try:
            result = await awaitable
            assert answers == 1 or len(result) == answers, f"{kind}: {len(result)} results for {answers}"
        except asyncio.CancelledError as e:
            error = e
        except (OSError, RuntimeError, ValueError, MemoryError) as e:
            error = e
        for _ in range(answers):
            self.note(kind, error)


async def read(stream) -> int:
    return sum([1 async for _ in stream])


async def cancelled_soon(awaitable):
    task = asyncio.ensure_future(awaitable)
    await asyncio.sleep(0.001)
    task.cancel()
    return await task


def sync_calls(client: LlmClient, answers: Answers, n: int) -> None:
    for i in range(n):
        with answers.lock:
            answers.asked["sync"] += 1
        try:
            client.complete(f"sync {i}")
            answers.note("sync")
        except (OSError, RuntimeError) as e:
            answers.note("sync", e)


def diamond() -> Workflow:
    flow = Workflow("diamond")
    top, bottom = flow.add_node(Node.agent("top", "Begin.")), flow.add_node(Node.agent("bottom", "End."))
    for name in ("left", "right"):
        side = flow.add_node(Node.agent(name, "Go on."))
        flow.connect(top, side)
        flow.connect(side, bottom)
    return flow


async def wave(client: LlmClient, executor: Executor, answers: Answers) -> None:
    threads = [threading.Thread(target=sync_calls, args=(client, answers, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    flow = diamond()
    await asyncio.gather(
        *[answers.of("gathered", client.complete_async(f"call {i}")) for i in range(200)],
        *[answers.of("streamed", read(client.complete_stream(f"stream {i}"))) for i in range(20)],
        *[answers.of("cancelled", cancelled_soon(client.complete_async(f"gone {i}"))) for i in range(20)],
        *[answers.of("workflow", executor.run_async(flow)) for _ in range(20)],
        answers.of("batch", client.complete_batch([f"item {i}" for i in range(200)]), answers=200),
    )
    while any(thread.is_alive() for thread in threads):
        await asyncio.sleep(0.01)


def footprint() -> dict[str, int]:
    with open("/proc/self/status", encoding="ascii") as status:
        rss_kb = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "actors": get_system_info()["actors_alive"],
        "rss_mb": rss_kb // 1024,
    }


def grown(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """What is more than it was, beyond what pools may still add."""
    allowed = {"descriptors": 64, "threads": 2, "actors": 16, "rss_mb": 32 + before["rss_mb"] // 4}
    return [f"{what}: {before[what]} -> {after[what]}" for what in before if after[what] > before[what] + allowed[what]]


def creep(samples: list[dict[str, int]]) -> list[str]:
    """Whether memory still grows in the second half: flat is at most 5 % and 2 MB between its ends."""
    tenth = len(samples) // 10
    if tenth < 3:
        return []  # too short to tell a trend from chance
    middle = median(s["rss_mb"] for s in samples[len(samples) // 2 :][:tenth])
    end = median(s["rss_mb"] for s in samples[-tenth:])
    return [f"rss_mb creeps: {middle} -> {end}"] if end > 1.05 * middle + 2 else []


@contextmanager
def simulator() -> Iterator[str]:
    """The URL of a simulator in a process of its own: it counts prompts and keys, and that grows."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in FAULTS.items()]
    command = [str(Path(sys.executable).parent / "graphbit"), "sim", "--seed=1", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


async def soak(seconds: float, answers: Answers) -> list[dict[str, int]]:
    with simulator() as url:
        config = LlmConfig.openai_compatible(
            api_key="sk-soak", model="sim", base_url=f"{url}/v1", timeout_s=30
        )
        client, executor = LlmClient(config), Executor(config)
        samples: list[dict[str, int]] = []  # one after each wave
        end = time.monotonic() + seconds
        while len(samples) <= SETTLE_WAVES or time.monotonic() < end:
            await asyncio.wait_for(wave(client, executor, answers), WAVE_TIMEOUT_S)
            samples.append(footprint())
        return samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    answers = Answers()
    samples = asyncio.run(soak(seconds, answers))
    shutdown()
    before, after = samples[SETTLE_WAVES - 1], samples[-1]
    print(f"soak: {len(samples)} waves, {sum(answers.given.values())} answers; failed by class: {dict(answers.failed)}")
    print(f"soak: after {SETTLE_WAVES} waves {before}, at the end {after}")
    faults = grown(before, after) + creep(samples)
    if answers.asked != answers.given:
        faults.append(f"asked {dict(answers.asked)}, answered {dict(answers.given)}")
    if answers.failed["none"] < 0.9 * (sum(answers.given.values()) - answers.given["cancelled"]):
        faults.append("more than a tenth of the calls failed: retries do not do their work")
    for fault in faults:
        print(f"soak: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
