"""Bench client: this project."""

import asyncio
import time

import measure
from measure import KEY, MIB_PROMPT, PROMPT, Job


def config(job: Job, **options):
    from graphbit import LlmConfig

    return LlmConfig.openai(KEY, "sim", base_url=job.url + "/v1", max_in_flight=job.concurrency, **options)


def client(job: Job, **options):
    from graphbit import LlmClient

    return LlmClient(config(job, **options))


def sync(job: Job) -> None:
    llm = client(job)
    measure.timed_calls(job, lambda: llm.complete(PROMPT))


def mib(job: Job) -> None:
    llm = client(job)
    measure.timed_calls(job, lambda: llm.complete(MIB_PROMPT))


def threads(job: Job) -> None:
    llm = client(job)
    measure.timed_threads(job, lambda: llm.complete(PROMPT))


def gather(job: Job) -> None:
    llm = client(job)

    async def calls(n: int) -> None:
        await asyncio.gather(*[llm.complete_async(PROMPT) for _ in range(n)])

    async def run() -> None:
        await calls(job.warm_up_n)
        with job.measured():
            await calls(job.n)

    asyncio.run(run())


def batch(job: Job) -> None:
    llm = client(job)

    async def run() -> None:
        await llm.complete_batch([PROMPT] * max(job.warm_up_n, job.concurrency), max_concurrency=job.concurrency)
        prompts = [PROMPT] * job.n
        with job.measured():
            replies = await llm.complete_batch(prompts, max_concurrency=job.concurrency)
        job.extra["failed"] = sum(reply.startswith("Error: ") for reply in replies)

    asyncio.run(run())


def stream(job: Job) -> None:
    llm = client(job)

    async def one() -> int:
        chunks = 0
        async for _ in llm.complete_stream(PROMPT):
            chunks += 1
        return chunks

    asyncio.run(measure.chunks_of(job, one))


def first_chunk(job: Job) -> None:
    llm = client(job)

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
    asyncio.run(measure.open_loop(job, lambda: llm.complete_async(PROMPT)))


def executor(job: Job):
    from graphbit import Executor

    return Executor(config(job))


def chain_of(nodes: int):
    from graphbit import Node, Workflow

    workflow, previous = Workflow("chain"), None
    for i in range(nodes):
        node = workflow.add_node(Node.agent(f"n{i}", PROMPT, agent_id=f"a{i}"))
        if previous:
            workflow.connect(previous, node)
        previous = node
    return workflow


def fan_of(leaves: int):
    from graphbit import Node, Workflow

    workflow = Workflow("fan")
    root = workflow.add_node(Node.agent("root", PROMPT, agent_id="root"))
    for i in range(leaves):
        workflow.connect(root, workflow.add_node(Node.agent(f"n{i}", PROMPT, agent_id=f"a{i}")))
    return workflow


def workflows(job: Job, make, nodes: int) -> None:
    run_one, workflow = executor(job), make()
    run_one.execute(workflow)
    runs = max(1, job.n // nodes)
    with job.measured():
        for _ in range(runs):
            assert run_one.execute(workflow).is_success()
    job.n = runs * nodes


def chain(job: Job) -> None:
    workflows(job, lambda: chain_of(20), 20)


def fan(job: Job) -> None:
    workflows(job, lambda: fan_of(200), 201)


def small(job: Job) -> None:
    """Many workflows of two nodes, all running at once."""
    pool, workflow = executor(job), chain_of(2)

    async def run() -> None:
        await asyncio.gather(*[pool.run_async(workflow) for _ in range(job.concurrency)])
        with job.measured():
            results = await asyncio.gather(*[pool.run_async(workflow) for _ in range(job.n // 2)])
        assert all(result.is_success() for result in results)

    asyncio.run(run())


def burst(job: Job) -> None:
    """Every call at once, with the client's own bound on connections."""
    from graphbit import LlmClient, LlmConfig

    llm = LlmClient(LlmConfig.openai(KEY, "sim", base_url=job.url + "/v1"))

    async def run() -> None:
        await llm.complete_async(PROMPT)
        with job.measured():
            await asyncio.gather(*[llm.complete_async(PROMPT) for _ in range(job.n)])

    asyncio.run(run())


def import_time(job: Job) -> None:
    import os

    def sockets() -> int:
        links = (os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))
        return sum(link.startswith("socket:") for link in links)

    before = sockets()
    with job.measured():
        from graphbit import Executor, LlmClient, LlmConfig, Node, Workflow  # noqa: F401 - loaded when named
    job.n = 1
    job.extra |= {"threads": len(os.listdir("/proc/self/task")), "sockets": sockets() - before}


if __name__ == "__main__":
    measure.main(
        "graphbit-actors",
        {
            "sync": sync, "gather": gather, "batch": batch, "stream": stream, "first_chunk": first_chunk,
            "chain": chain, "fan": fan, "small": small, "mib": mib, "threads": threads,
            "open_loop": open_loop, "burst": burst, "import": import_time,
        },
    )
