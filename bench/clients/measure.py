"""The frame every bench client stands in: one command line, one measured part, one line of JSON.

A client calls `main(peer, scenarios)`. A scenario is a function of one `Job`: it imports and warms up,
then does `job.n` items inside `with job.measured():`. Only that part is counted: CPU of the whole
process (user + system, all threads) and wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

PROMPT = "What is an actor? Answer in one sentence."
MIB_PROMPT = "lorem ipsum dolor sit amet, " * (1024 * 1024 // 28)
KEY = "bench-key-0123456789abcdef"


class Job:
    """What a scenario is asked to do, and where it leaves what it saw."""

    def __init__(self, scenario: str, url: str, n: int, concurrency: int, rate: float, latency_ms: float):
        self.scenario = scenario
        self.url = url  # http://HOST:PORT, without /v1
        self.n = n
        self.concurrency = concurrency
        self.rate = rate  # open loop only: calls per second
        self.latency_ms = latency_ms  # what the simulator adds to each answer
        self.samples_ms: list[float] = []  # one per item, where a scenario takes them
        self.extra: dict[str, object] = {}
        self.cpu_s = self.wall_s = 0.0

    @property
    def warm_up_n(self) -> int:
        return max(2, min(200, self.n // 10))

    @contextmanager
    def measured(self) -> Iterator[None]:
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        yield
        self.wall_s = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        self.cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def peak_rss_mb() -> float:
    """The peak of this program alone: getrusage would inherit that of its parent."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def quantile(sorted_values: list[float], q: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def report(peer: str, job: Job) -> dict[str, object]:
    line: dict[str, object] = {
        "peer": peer,
        "scenario": job.scenario,
        "items": job.n,
        "cpu_us": job.cpu_s / job.n * 1e6,
        "wall_s": job.wall_s,
        "rss_mb": peak_rss_mb(),
    }
    if job.samples_ms:
        ordered = sorted(job.samples_ms)
        line |= {"p50_ms": quantile(ordered, 0.50), "p99_ms": quantile(ordered, 0.99)}
    return line | job.extra


def main(peer: str, scenarios: dict[str, Callable[[Job], None]]) -> None:
    parser = argparse.ArgumentParser(description=f"bench client: {peer}")
    parser.add_argument("scenario", nargs="?", choices=sorted(scenarios))
    parser.add_argument("--list", action="store_true", help="name the scenarios this client knows")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--n", type=int, default=1000, help="items in the measured part")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--latency-ms", type=float, default=0, help="the simulator's, to subtract")
    a = parser.parse_args()
    if a.list or not a.scenario:
        print(json.dumps(sorted(scenarios)))
        return
    job = Job(a.scenario, a.url, a.n, a.concurrency, a.rate, a.latency_ms)
    scenarios[a.scenario](job)
    print(json.dumps(report(peer, job)), flush=True)
    sys.stdout.flush()
    os._exit(0)  # some peers take seconds to leave


def timed_calls(job: Job, call: Callable[[], object]) -> None:
    """One call after the other, each one timed."""
    for _ in range(job.warm_up_n):
        call()
    clock, samples = time.perf_counter, job.samples_ms
    with job.measured():
        for _ in range(job.n):
            start = clock()
            call()
            samples.append((clock() - start) * 1e3)


def timed_threads(job: Job, call: Callable[[], object]) -> None:
    """`job.concurrency` threads, each with its share of the calls, one after the other."""
    import threading

    share = job.n // job.concurrency
    gate = threading.Barrier(job.concurrency + 1)

    def work() -> None:
        for _ in range(3):
            call()
        gate.wait()
        for _ in range(share):
            call()
        gate.wait()

    threads = [threading.Thread(target=work) for _ in range(job.concurrency)]
    for thread in threads:
        thread.start()
    gate.wait()
    with job.measured():
        gate.wait()
    job.n = share * job.concurrency
    for thread in threads:
        thread.join()


async def chunks_of(job: Job, stream: Callable[[], Awaitable[int]]) -> None:
    """`job.n` rounds of `job.concurrency` streams at once. `stream` reads one and gives how many chunks came, which
    are the items. The round before opens the connections: what that costs (over TLS more than the streams) is no part
    of a chunk."""
    import asyncio

    await asyncio.gather(*[stream() for _ in range(job.concurrency)])
    chunks = 0
    with job.measured():
        for _ in range(job.n):
            chunks += sum(await asyncio.gather(*[stream() for _ in range(job.concurrency)]))
    job.n = chunks


async def open_loop(job: Job, call: Callable[[], object]) -> None:
    """Starts calls at a fixed rate, whether or not earlier ones have ended.

    A sample is the time from the moment a call was due, less the simulator's latency: the client's own
    overhead, including what it makes later calls wait.
    """
    import asyncio

    await asyncio.gather(*(call() for _ in range(job.warm_up_n)))
    clock, samples = time.perf_counter, job.samples_ms
    tasks = []

    async def one(due: float) -> None:
        await call()
        samples.append((clock() - due) * 1e3 - job.latency_ms)

    with job.measured():
        start = clock()
        while len(tasks) < job.n:
            for i in range(len(tasks), min(job.n, int((clock() - start) * job.rate) + 1)):
                tasks.append(asyncio.ensure_future(one(start + i / job.rate)))
            await asyncio.sleep(0.0005)
        await asyncio.gather(*tasks)
