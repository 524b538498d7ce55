#!/usr/bin/env python3
"""Quick start: one completion, many at once, and a workflow of two steps.

Runs on the embedded simulator. The real thing: ``LlmConfig.openai("sk-...", "gpt-4o-mini")``.
"""

from __future__ import annotations

import asyncio

from graphbit import Executor, LlmClient, LlmConfig, Node, Workflow
from graphbit.testing import Simulator


async def ask_many(client: LlmClient) -> list[str]:
    """Many calls of one event loop; the client keeps as many in flight as its limits allow."""
    return await asyncio.gather(*(client.complete_async(f"Name fact {i}.") for i in range(100)))


def two_steps(config: LlmConfig) -> str | None:
    """A node's prompt is preceded by what its parents gave."""
    flow = Workflow("two steps")
    facts = flow.add_node(Node.agent("facts", "Name three facts on {topic}."))
    story = flow.add_node(Node.agent("story", "Tell a story from these facts."))
    flow.connect(facts, story)
    return Executor(config).execute(flow, inputs={"topic": "the sea"}).get_node_output("story")


def main() -> None:
    with Simulator() as simulator:
        config = simulator.llm_config()
        client = LlmClient(config)
        print(f"one:      {client.complete('Say hello')}")
        answers = asyncio.run(ask_many(client))
        print(f"many:     {len(answers)} answers, the last: {answers[-1]}")
        print(f"workflow: {two_steps(config)}")


if __name__ == "__main__":
    main()
