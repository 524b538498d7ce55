"""Bench client of faults.py: one library against a provider that misbehaves. Runs in that library's environment.

    python fault_client.py LIBRARY calls --url URL --n 2000      so many calls; counts what became of them
    python fault_client.py LIBRARY outage --url URL --seconds 16 calls without pause; counts them per 50 ms

Each library gets three retries where that can be said, and is otherwise as it comes. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import time
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

KEY = "k" * 24
PROMPT = "Say hello."
RETRIES = 3
MESSAGES = [{"role": "user", "content": PROMPT}]
BUCKET_S = 0.05

Call = Callable[[], Awaitable[object]]


@asynccontextmanager
async def graphbit(url: str):
    from graphbit import LlmClient, LlmConfig

    llm = LlmClient(LlmConfig.openai(KEY, "sim", base_url=url + "/v1", max_retries=RETRIES))
    yield lambda: llm.complete_async(PROMPT)


@asynccontextmanager
async def upstream(url: str):
    from graphbit import LlmClient, LlmConfig

    llm = LlmClient(LlmConfig.bytedance(KEY, "sim", url + "/v1"))  # its one door to another address
    yield lambda: llm.complete_async(PROMPT)


@asynccontextmanager
async def litellm(url: str):
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it fetches a price list from the network
    from litellm import Router

    parameters = {"model": "openai/sim", "api_base": url + "/v1", "api_key": KEY}
    router = Router(model_list=[{"model_name": "sim", "litellm_params": parameters}], num_retries=RETRIES)
    yield lambda: router.acompletion(model="sim", messages=MESSAGES)


@asynccontextmanager
async def openai(url: str):
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key=KEY, base_url=url + "/v1", max_retries=RETRIES) as client:
        yield lambda: client.chat.completions.create(model="sim", messages=MESSAGES)


@asynccontextmanager
async def tenacity(url: str):
    import aiohttp
    from tenacity import AsyncRetrying, stop_after_attempt, wait_random_exponential

    async def attempt(http) -> str:
        async with http.post(url + "/v1/chat/completions", json={"model": "sim", "messages": MESSAGES}) as response:
            response.raise_for_status()
            return (await response.json())["choices"][0]["message"]["content"]

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as http:
        waits = wait_random_exponential(multiplier=0.1, max=5)
        yield lambda: AsyncRetrying(stop=stop_after_attempt(RETRIES + 1), wait=waits)(attempt, http)


LIBRARIES = {f.__name__: f for f in (graphbit, upstream, litellm, openai, tenacity)}


async def went_well(call: Call) -> bool:
    try:
        await call()
        return True
    except Exception:
        return False


async def calls(call: Call, a: argparse.Namespace) -> dict:
    """So many calls, so many at once."""
    left, good = a.n, 0

    async def worker() -> None:
        nonlocal left, good
        while left > 0:
            left -= 1
            ended_well = await went_well(call)  # apart: the others count while this one waits
            good += ended_well

    await asyncio.gather(*[worker() for _ in range(a.concurrency)])
    return {"items": a.n, "good": good}


async def outage(call: Call, a: argparse.Namespace) -> dict:
    """Calls for so long; good and failed ones by the 50 ms in which they ended."""
    begun, buckets = time.time(), int(a.seconds / BUCKET_S) + 1
    good, failed, cpu_us = [0] * buckets, [0] * buckets, [0] * buckets

    async def worker() -> None:
        while (now := time.time() - begun) < a.seconds:
            ended_well = await went_well(call)
            at = min(int((time.time() - begun) / BUCKET_S), buckets - 1)
            (good if ended_well else failed)[at] += 1
            if time.time() - begun - now < 0.001:
                await asyncio.sleep(0)  # an answer without a wait must not starve the other workers

    async def watch_cpu() -> None:
        while (now := time.time() - begun) < a.seconds:
            cpu_us[int(now / BUCKET_S)] = int(cpu_s() * 1e6)
            await asyncio.sleep(BUCKET_S / 2)

    await asyncio.gather(watch_cpu(), *[worker() for _ in range(a.concurrency)])
    return {"begun": begun, "bucket_s": BUCKET_S, "good": good, "failed": failed, "cpu_us": cpu_us}


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell_simulator(url: str, what: str, settings: dict) -> None:
    request = urllib.request.Request(f"{url}/_sim/{what}", json.dumps(settings).encode(), method="POST")
    urllib.request.urlopen(request, timeout=10).close()


async def run(a: argparse.Namespace) -> dict:
    async with LIBRARIES[a.library](a.url) as call:
        await went_well(call)  # imports, pools
        tell_simulator(a.url, "reset", {})  # its counters, and the clock that outages go by
        tell_simulator(a.url, "config", json.loads(a.faults))
        begun, cpu = time.perf_counter(), cpu_s()
        figures = await {"calls": calls, "outage": outage}[a.mode](call, a)
        return figures | {"wall_s": time.perf_counter() - begun, "cpu_s": cpu_s() - cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("mode", choices=["calls", "outage"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--faults", default="{}", help="settings of the simulator, as JSON, from the first call on")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=16)
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
