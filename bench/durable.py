#!/usr/bin/env python3
"""What durable runs cost, beside LangGraph with its SQLite checkpointer. One command: bench/durable.py

First the C++ figures of bench_store (memory, SQLite, PostgreSQL). Then the same workflow from Python in both
libraries: a start, a fan-out of 48 and an end, whose nodes are Python functions that return 1 KB; once kept
nowhere, once in an SQLite file on the same disk. CPU is user + system of the whole process.
"""

from __future__ import annotations

import asyncio
import json
import operator
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from typing import Annotated, TypedDict

NODES, RUNS, AT_ONCE = 50, 40, 8
TEXT = (os.urandom(768).hex())[:1000]


def ours(file: str | None):
    from graphbit import Executor, LlmConfig, Node, Workflow

    def node(_: object) -> str:
        return TEXT

    flow = Workflow("bench")
    for n in range(NODES):
        flow.add_node(Node.transform(f"n{n}", node))
    for n in range(1, NODES - 1):
        flow.connect("n0", f"n{n}")
        flow.connect(f"n{n}", f"n{NODES - 1}")
    config = LlmConfig.openai_compatible(base_url="http://127.0.0.1:9/v1", model="none")
    executor = Executor(config, store=file) if file else Executor(config)

    async def run(name: str) -> None:
        assert (await executor.run_async(flow, run_id=name)).is_success()

    return run


class State(TypedDict):
    texts: Annotated[list[str], operator.add]


def langgraph(file: str | None):
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    from langgraph.graph import END, START, StateGraph

    async def node(_: object) -> dict:
        return {"texts": [TEXT]}

    graph = StateGraph(State)
    for n in range(NODES):
        graph.add_node(f"n{n}", node)
    graph.add_edge(START, "n0")
    for n in range(1, NODES - 1):
        graph.add_edge("n0", f"n{n}")
        graph.add_edge(f"n{n}", f"n{NODES - 1}")
    graph.add_edge(f"n{NODES - 1}", END)
    made: list = []

    async def run(name: str) -> None:
        if not made:
            saver = None
            if file:
                import aiosqlite
                from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

                saver = AsyncSqliteSaver(await aiosqlite.connect(file))
            made.append(graph.compile(checkpointer=saver))
        state = await made[0].ainvoke({"texts": []}, {"configurable": {"thread_id": name}})
        assert len(state["texts"]) == NODES

    return run


def measure(client: str, file: str | None) -> None:
    run = {"ours": ours, "langgraph": langgraph}[client](file)

    async def all_runs() -> None:
        await run("warm")
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        room = asyncio.Semaphore(AT_ONCE)

        async def one(n: int) -> None:
            async with room:
                await run(f"run-{n}")

        await asyncio.gather(*[one(n) for n in range(RUNS)])
        took = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        nodes = NODES * RUNS
        size = sum(path.stat().st_size for path in pathlib.Path(file).parent.iterdir()) if file else 0
        line = {"cpu_us": cpu / nodes * 1e6, "nodes_per_s": nodes / took, "kb_per_run": size / (RUNS + 1) / 1e3}
        print(json.dumps(line), flush=True)
        os._exit(0)  # a library's threads are not waited for

    asyncio.run(all_runs())


def measured(python: str, client: str, file: str) -> dict:
    command = [python, __file__, "--client", client, file]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    import environments

    subprocess.run([environments.program("bench_store")], check=True)
    pythons = {"ours": environments.ours(), "langgraph": environments.python_of("langgraph_sqlite")}
    for client, python in pythons.items():
        for round_ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                plain, kept = (measured(python, client, file) for file in ("", f"{folder}/runs.db"))
            print(
                f"{client:9} round {round_ + 1}: {plain['cpu_us']:.0f} us CPU per node kept nowhere, "
                f"{kept['cpu_us']:.0f} in SQLite ({kept['cpu_us'] - plain['cpu_us']:+.0f}); "
                f"{kept['nodes_per_s']:.0f} nodes/s, {kept['kb_per_run']:.0f} KB per run",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        measure(sys.argv[2], sys.argv[3] or None)
    else:
        main()
