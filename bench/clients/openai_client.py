"""Bench client: the official openai SDK."""

import asyncio
import time

import measure
from measure import KEY, MIB_PROMPT, PROMPT, Job


def options(job: Job) -> dict:
    return {"api_key": KEY, "base_url": job.url + "/v1", "max_retries": 0}


def message(prompt: str) -> dict:
    return {"model": "sim", "messages": [{"role": "user", "content": prompt}]}


def sync_call(job: Job, prompt: str):
    from openai import OpenAI

    llm = OpenAI(**options(job))
    return lambda: llm.chat.completions.create(**message(prompt)).choices[0].message.content


def sync(job: Job) -> None:
    measure.timed_calls(job, sync_call(job, PROMPT))


def mib(job: Job) -> None:
    measure.timed_calls(job, sync_call(job, MIB_PROMPT))


def threads(job: Job) -> None:
    measure.timed_threads(job, sync_call(job, PROMPT))


def gather(job: Job) -> None:
    """A semaphore holds the concurrency: the SDK's own pool takes 1,000 connections."""
    from openai import AsyncOpenAI

    async def run() -> None:
        llm, slots = AsyncOpenAI(**options(job)), asyncio.Semaphore(job.concurrency)

        async def one() -> str:
            async with slots:
                reply = await llm.chat.completions.create(**message(PROMPT))
                return reply.choices[0].message.content

        await asyncio.gather(*[one() for _ in range(job.warm_up_n)])
        with job.measured():
            await asyncio.gather(*[one() for _ in range(job.n)])

    asyncio.run(run())


def stream(job: Job) -> None:
    from openai import AsyncOpenAI

    async def run() -> None:
        llm = AsyncOpenAI(**options(job))

        async def one() -> int:
            count = 0
            async for chunk in await llm.chat.completions.create(**message(PROMPT), stream=True):
                count += bool(chunk.choices and chunk.choices[0].delta.content)
            return count

        await measure.chunks_of(job, one)

    asyncio.run(run())


def first_chunk(job: Job) -> None:
    from openai import OpenAI

    llm = OpenAI(**options(job))

    def one() -> float:
        start = time.perf_counter()
        chunks = iter(llm.chat.completions.create(**message(PROMPT), stream=True))
        while not next(chunks).choices[0].delta.content:
            pass
        waited = time.perf_counter() - start
        for _ in chunks:
            pass
        return waited * 1e3

    for _ in range(job.warm_up_n):
        one()
    with job.measured():
        for _ in range(job.n):
            job.samples_ms.append(one())


def import_time(job: Job) -> None:
    with job.measured():
        import openai  # noqa: F401
    job.n = 1


if __name__ == "__main__":
    measure.main(
        "openai",
        {
            "sync": sync, "gather": gather, "batch": gather, "stream": stream, "first_chunk": first_chunk,
            "mib": mib, "threads": threads, "import": import_time,
        },
    )
