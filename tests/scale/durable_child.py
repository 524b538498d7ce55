"""The process that the kill tests kill: runs one durable workflow of 50 nodes and prints its outputs.

Usage: durable_child.py PROVIDER_URL STORE RUN_ID EFFECTS_FILE
"""

from __future__ import annotations

import json
import pathlib
import sys

from graphbit import Executor, LlmConfig, Node, Workflow
from graphbit.durable import idempotency_key

FAN_OUT = 36
ITEMS = 12


def build(effects: pathlib.Path) -> Workflow:
    """A start, a fan-out, a map, an agent with tools, a condition, a function, and what joins them."""

    def note(text: str) -> str:
        """Writes a line to a file: an effect outside."""
        with effects.open("a") as out:
            out.write(f"{idempotency_key()} {text}\n")
        return f"noted {text}"

    flow = Workflow("fifty nodes")
    for node in (
        Node.agent("start", "start of {name}"),
        Node.transform("items", "split", argument=","),
        Node.map("each", "item {item}", join="|"),
        Node.agent("tools", "use tools", tools=[note]),
        Node.transform("shout", lambda text: text.upper()),
        Node.condition("which", "length(output) > 0 ? 'long' : 'short'"),
        Node.agent("long", "the long way"),
        Node.agent("short", "the short way"),
        Node.agent("left", "left of long"),
        Node.agent("right", "right of long"),
        Node.agent("both", "both sides"),
        Node.transform("list", "template", argument=",".join(f"i{n}" for n in range(ITEMS))),
        Node.agent("joined", "all of it"),
        Node.agent("end", "the end"),
    ):
        flow.add_node(node)
    for one, other in (
        ("start", "list"), ("list", "items"), ("items", "each"), ("start", "tools"), ("tools", "shout"),
        ("shout", "which"), ("which", "long"), ("which", "short"), ("long", "left"), ("long", "right"),
        ("left", "both"), ("right", "both"), ("both", "joined"), ("each", "joined"), ("joined", "end"),
    ):  # fmt: skip
        flow.connect(one, other)
    for n in range(FAN_OUT):
        flow.add_node(Node.agent(f"fan{n}", f"fan {n}"))
        flow.connect("start", f"fan{n}")
        flow.connect(f"fan{n}", "joined")
    return flow


def main() -> None:
    url, store, run_id, effects = sys.argv[1:]
    config = LlmConfig.openai_compatible(base_url=url, model="counted")
    executor = Executor(config, store=store, adopt=False)
    result = executor.execute(build(pathlib.Path(effects)), run_id=run_id, inputs={"name": "it"})
    print(json.dumps({"state": result.state(), "outputs": outputs(result)}), flush=True)


def outputs(result: object) -> dict[str, str]:
    names = result.node_statuses()  # type: ignore[attr-defined]
    return {name: result.get_node_output(name) for name in names}  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
