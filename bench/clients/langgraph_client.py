"""Bench client: langgraph, its nodes calling ChatOpenAI of langchain-openai."""

import asyncio
import operator
import os
from typing import Annotated, TypedDict

import measure
from measure import KEY, PROMPT, Job

os.environ.setdefault("LANGSMITH_TRACING", "false")


class State(TypedDict):
    texts: Annotated[list[str], operator.add]


def agent(job: Job):
    from langchain_openai import ChatOpenAI

    llm = ChatOpenAI(model="sim", api_key=KEY, base_url=job.url + "/v1", max_retries=0)

    async def node(state: State) -> State:
        text = state["texts"][-1] if state["texts"] else ""
        return {"texts": [(await llm.ainvoke(f"{text}\n\n{PROMPT}")).content]}

    return node


def chain_of(nodes: int, node):
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    for i in range(nodes):
        graph.add_node(f"n{i}", node)
        graph.add_edge(f"n{i - 1}" if i else START, f"n{i}")
    graph.add_edge(f"n{nodes - 1}", END)
    return graph.compile()


def fan_of(leaves: int, node):
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    graph.add_node("root", node)
    graph.add_edge(START, "root")
    for i in range(leaves):
        graph.add_node(f"n{i}", node)
        graph.add_edge("root", f"n{i}")
        graph.add_edge(f"n{i}", END)
    return graph.compile()


def workflows(job: Job, graph, nodes: int) -> None:
    settings = {"recursion_limit": 1000}

    async def run() -> None:
        await graph.ainvoke({"texts": []}, settings)
        runs = max(1, job.n // nodes)
        with job.measured():
            for _ in range(runs):
                await graph.ainvoke({"texts": []}, settings)
        job.n = runs * nodes

    asyncio.run(run())


def chain(job: Job) -> None:
    workflows(job, chain_of(20, agent(job)), 20)


def fan(job: Job) -> None:
    workflows(job, fan_of(200, agent(job)), 201)


def small(job: Job) -> None:
    graph = chain_of(2, agent(job))

    async def run() -> None:
        slots = asyncio.Semaphore(job.concurrency)

        async def one() -> None:
            async with slots:
                await graph.ainvoke({"texts": []})

        await asyncio.gather(*[one() for _ in range(4)])
        with job.measured():
            await asyncio.gather(*[one() for _ in range(job.n // 2)])

    asyncio.run(run())


def import_time(job: Job) -> None:
    with job.measured():
        import langgraph.graph  # noqa: F401
    job.n = 1


if __name__ == "__main__":
    measure.main("langgraph", {"chain": chain, "fan": fan, "small": small, "import": import_time})
