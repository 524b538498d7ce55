"""Bench client: aiohttp, with the JSON work a user would write around it."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import aiohttp
import measure
from measure import KEY, MIB_PROMPT, PROMPT, Job


@asynccontextmanager
async def session(job: Job, limit: int | None = None):
    connector = aiohttp.TCPConnector(limit=limit or job.concurrency)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as http:
        yield http


def body(prompt: str, **options) -> dict:
    return {"model": "sim", "messages": [{"role": "user", "content": prompt}], **options}


async def complete(http, job: Job, prompt: str = PROMPT) -> str:
    async with http.post(job.url + "/v1/chat/completions", json=body(prompt)) as response:
        response.raise_for_status()
        return (await response.json())["choices"][0]["message"]["content"]


async def chunks(http, job: Job):
    async with http.post(job.url + "/v1/chat/completions", json=body(PROMPT, stream=True)) as response:
        response.raise_for_status()
        async for line in response.content:
            if not line.startswith(b"data: ") or line == b"data: [DONE]\n":
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                yield choices[0]["delta"]["content"]


def sequential(job: Job, prompt: str) -> None:
    async def run() -> None:
        async with session(job) as http:
            for _ in range(job.warm_up_n):
                await complete(http, job, prompt)
            with job.measured():
                for _ in range(job.n):
                    start = time.perf_counter()
                    await complete(http, job, prompt)
                    job.samples_ms.append((time.perf_counter() - start) * 1e3)

    asyncio.run(run())


def one_by_one(job: Job) -> None:
    sequential(job, PROMPT)


def mib(job: Job) -> None:
    sequential(job, MIB_PROMPT)


def gathered(job: Job, limit: int) -> None:
    async def run() -> None:
        async with session(job, limit) as http:
            await asyncio.gather(*[complete(http, job) for _ in range(job.warm_up_n)])
            with job.measured():
                await asyncio.gather(*[complete(http, job) for _ in range(job.n)])

    asyncio.run(run())


def gather(job: Job) -> None:
    gathered(job, job.concurrency)


def burst(job: Job) -> None:
    gathered(job, 1024)


def batch(job: Job) -> None:
    """Workers pull prompts: aiohttp's cheapest way to hold a concurrency."""

    async def run() -> None:
        async with session(job) as http:

            async def worker(todo) -> None:
                for _ in todo:
                    await complete(http, job)

            async def calls(n: int) -> None:
                todo = iter(range(n))
                await asyncio.gather(*[worker(todo) for _ in range(job.concurrency)])

            await calls(max(job.warm_up_n, job.concurrency))
            with job.measured():
                await calls(job.n)

    asyncio.run(run())


def stream(job: Job) -> None:
    async def run() -> None:
        async with session(job) as http:

            async def one() -> int:
                return sum([1 async for _ in chunks(http, job)])

            await measure.chunks_of(job, one)

    asyncio.run(run())


def first_chunk(job: Job) -> None:
    async def run() -> None:
        async with session(job) as http:

            async def one() -> float:
                start = time.perf_counter()
                iterator = chunks(http, job)
                await iterator.__anext__()
                waited = time.perf_counter() - start
                async for _ in iterator:
                    pass
                return waited * 1e3

            for _ in range(job.warm_up_n):
                await one()
            with job.measured():
                for _ in range(job.n):
                    job.samples_ms.append(await one())

    asyncio.run(run())


def open_loop(job: Job) -> None:
    async def run() -> None:
        async with session(job, 1024) as http:
            await measure.open_loop(job, lambda: complete(http, job))

    asyncio.run(run())


def chain(job: Job) -> None:
    """Twenty dependent calls, the text of each put before the prompt of the next."""

    async def one(http) -> None:
        text = ""
        for _ in range(20):
            text = await complete(http, job, f"{text}\n\n{PROMPT}")

    workflows(job, one, 20)


def fan(job: Job) -> None:
    async def one(http) -> None:
        text = await complete(http, job)
        await asyncio.gather(*[complete(http, job, f"{text}\n\n{PROMPT}") for _ in range(200)])

    workflows(job, one, 201)


def workflows(job: Job, one, nodes: int) -> None:
    async def run() -> None:
        async with session(job, 256) as http:
            await one(http)
            runs = max(1, job.n // nodes)
            with job.measured():
                for _ in range(runs):
                    await one(http)
            job.n = runs * nodes

    asyncio.run(run())


def small(job: Job) -> None:
    async def run() -> None:
        async with session(job) as http:

            async def one() -> None:
                text = await complete(http, job)
                await complete(http, job, f"{text}\n\n{PROMPT}")

            await asyncio.gather(*[one() for _ in range(job.concurrency)])
            with job.measured():
                await asyncio.gather(*[one() for _ in range(job.n // 2)])

    asyncio.run(run())


if __name__ == "__main__":
    measure.main(
        "aiohttp",
        {
            "sync": one_by_one, "gather": gather, "batch": batch, "stream": stream, "first_chunk": first_chunk,
            "chain": chain, "fan": fan, "small": small, "mib": mib, "open_loop": open_loop, "burst": burst,
        },
    )
