"""Bench client: upstream graphbit 0.6.8.

It takes a loopback address only through `LlmConfig.bytedance`, which does not stream; its Ollama
provider streams and goes to the simulator by HTTP_PROXY.
"""

import asyncio
import os
import time

import measure
from graphbit_client import chain_of, fan_of, import_time  # the same workflow API, on this environment's graphbit
from measure import KEY, MIB_PROMPT, PROMPT, Job


def config(job: Job):
    from graphbit import LlmConfig

    return LlmConfig.bytedance(KEY, "sim", job.url + "/v1")


def client(job: Job):
    from graphbit import LlmClient

    return LlmClient(config(job))


def streaming_client(job: Job):
    os.environ["HTTP_PROXY"] = job.url
    from graphbit import LlmClient, LlmConfig

    return LlmClient(LlmConfig.ollama("sim"))


def sync(job: Job) -> None:
    llm = client(job)
    measure.timed_calls(job, lambda: llm.complete(PROMPT))


def mib(job: Job) -> None:
    llm = client(job)
    measure.timed_calls(job, lambda: llm.complete(MIB_PROMPT))


def threads(job: Job) -> None:
    llm = client(job)
    measure.timed_threads(job, lambda: llm.complete(PROMPT))


async def calls(llm, n: int, concurrency: int) -> None:
    slots = asyncio.Semaphore(concurrency)

    async def one() -> None:
        async with slots:
            await llm.complete_async(PROMPT)

    await asyncio.gather(*[one() for _ in range(n)])


def gather(job: Job) -> None:
    llm = client(job)

    async def run() -> None:
        await calls(llm, job.warm_up_n, job.concurrency)
        with job.measured():
            await calls(llm, job.n, job.concurrency)

    asyncio.run(run())


def burst(job: Job) -> None:
    job.concurrency = job.n
    gather(job)


def batch(job: Job) -> None:
    """In parts of 1,000, its limit."""
    llm = client(job)

    async def run() -> None:
        await llm.complete_batch([PROMPT] * max(job.warm_up_n, job.concurrency), max_concurrency=job.concurrency)
        failed = 0
        with job.measured():
            for start in range(0, job.n, 1000):
                prompts = [PROMPT] * min(1000, job.n - start)
                replies = await llm.complete_batch(prompts, max_concurrency=job.concurrency)
                failed += sum(reply.startswith("Error: ") for reply in replies)
        job.extra["failed"] = failed

    asyncio.run(run())


def stream(job: Job) -> None:
    llm = streaming_client(job)

    async def one() -> int:
        chunks = 0
        async for _ in llm.complete_stream(PROMPT):
            chunks += 1
        return chunks

    asyncio.run(measure.chunks_of(job, one))


def first_chunk(job: Job) -> None:
    llm = streaming_client(job)

    async def one() -> float:
        start = time.perf_counter()
        chunks = llm.complete_stream(PROMPT).__aiter__()
        await chunks.__anext__()
        waited = time.perf_counter() - start
        async for _ in chunks:
            pass
        return waited * 1e3

    async def run() -> None:
        for _ in range(job.warm_up_n):
            await one()
        with job.measured():
            for _ in range(job.n):
                job.samples_ms.append(await one())

    asyncio.run(run())


def open_loop(job: Job) -> None:
    llm = client(job)

    async def one() -> None:
        await llm.complete_async(PROMPT)

    asyncio.run(measure.open_loop(job, one))


def workflows(job: Job, make, nodes: int) -> None:
    from graphbit import Executor

    executor, workflow = Executor(config(job)), make()
    executor.execute(workflow)
    runs = max(1, job.n // nodes)
    with job.measured():
        for _ in range(runs):
            assert executor.execute(workflow).is_success()
    job.n = runs * nodes


def chain(job: Job) -> None:
    workflows(job, lambda: chain_of(20), 20)


def fan(job: Job) -> None:
    workflows(job, lambda: fan_of(200), 201)


def small(job: Job) -> None:
    from graphbit import Executor

    executor, workflow = Executor(config(job)), chain_of(2)

    async def run() -> None:
        await asyncio.gather(*[executor.run_async(workflow) for _ in range(4)])
        with job.measured():
            results = await asyncio.gather(*[executor.run_async(workflow) for _ in range(job.n // 2)])
        assert all(result.is_success() for result in results)

    asyncio.run(run())


if __name__ == "__main__":
    measure.main(
        "upstream",
        {
            "sync": sync, "gather": gather, "batch": batch, "stream": stream, "first_chunk": first_chunk,
            "chain": chain, "fan": fan, "small": small, "mib": mib, "threads": threads,
            "open_loop": open_loop, "burst": burst, "import": import_time,
        },
    )
