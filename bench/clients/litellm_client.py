"""Bench client: litellm, calling an OpenAI-compatible server."""

import asyncio
import os

import measure
from measure import KEY, PROMPT, Job

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it fetches a price list from the network


def options(job: Job) -> dict:
    return {
        "model": "openai/sim",
        "api_base": job.url + "/v1",
        "api_key": KEY,
        "messages": [{"role": "user", "content": PROMPT}],
    }


def sync(job: Job) -> None:
    import litellm

    measure.timed_calls(job, lambda: litellm.completion(**options(job)).choices[0].message.content)


def threads(job: Job) -> None:
    import litellm

    measure.timed_threads(job, lambda: litellm.completion(**options(job)).choices[0].message.content)


def gather(job: Job) -> None:
    import litellm

    async def run() -> None:
        slots = asyncio.Semaphore(job.concurrency)

        async def one() -> str:
            async with slots:
                return (await litellm.acompletion(**options(job))).choices[0].message.content

        await asyncio.gather(*[one() for _ in range(job.warm_up_n)])
        with job.measured():
            await asyncio.gather(*[one() for _ in range(job.n)])

    asyncio.run(run())


def stream(job: Job) -> None:
    import litellm

    async def run() -> None:
        async def one() -> int:
            count = 0
            async for chunk in await litellm.acompletion(**options(job), stream=True):
                count += bool(chunk.choices and chunk.choices[0].delta.content)
            return count

        await measure.chunks_of(job, one)

    asyncio.run(run())


def import_time(job: Job) -> None:
    with job.measured():
        import litellm  # noqa: F401
    job.n = 1


if __name__ == "__main__":
    measure.main(
        "litellm",
        {
            "sync": sync, "gather": gather, "batch": gather, "stream": stream, "threads": threads,
            "import": import_time,
        },
    )
