#!/usr/bin/env python3
"""Streaming: the tokens of one answer, then the events of a whole workflow as it runs.

Runs on the embedded simulator.
"""

from __future__ import annotations

import asyncio

from graphbit import Executor, LlmClient, LlmConfig, Node, Workflow
from graphbit.testing import Simulator


async def stream_an_answer(config: LlmConfig) -> str:
    """Leaving the loop early closes the connection, so that nothing more is paid for."""
    text = ""
    async for chunk in LlmClient(config).complete_stream("Tell me of the sea"):
        text += chunk
    return text


async def follow_a_workflow(config: LlmConfig) -> None:
    """Both nodes of the first step run at once; their tokens come interleaved."""
    flow = Workflow("brochure")
    hotel = flow.add_node(Node.agent("hotel", "Praise the hotel"))
    beach = flow.add_node(Node.agent("beach", "Praise the beach"))
    page = flow.add_node(Node.agent("page", "Make one page of these"))
    flow.connect(hotel, page)
    flow.connect(beach, page)
    tokens: dict[str, int] = {}
    async for event in Executor(config).execute_streaming(flow, stream_mode="all"):
        if event["event"] == "token":
            tokens[event["node_name"]] = tokens.get(event["node_name"], 0) + 1
        elif event["event"] == "node_completed":
            print(f"{event['node_name']} completed: {event['output'][:40]}")
        elif event["event"] == "workflow_completed":
            print(f"workflow completed; tokens came from {sorted(tokens)}")


def main() -> None:
    with Simulator(chunk_interval_ms=2) as simulator:
        config = simulator.llm_config()
        text = asyncio.run(stream_an_answer(config))
        print(f"answer of {len(text.split())} words")
        asyncio.run(follow_a_workflow(config))


if __name__ == "__main__":
    main()
