#!/usr/bin/env python3
"""Conditions: a ticket is classified, and only the branch that fits it runs.

One condition is a safe expression (it is never evaluated as code), the other a function.
Runs on the embedded simulator; a script stands in for a model that classifies.
"""

from __future__ import annotations

from typing import Any

from graphbit import Executor, LlmConfig, Node, Workflow, WorkflowResult
from graphbit.testing import Simulator

SCRIPT: dict[str, Any] = {
    "rules": [
        {"contains": "Classify: My card was charged twice", "json": {"kind": "billing", "urgency": 9}},
        {"contains": "Classify:", "json": {"kind": "question", "urgency": 2}},
        {"contains": "Apologise", "text": "We are sorry, and will pay it back today."},
        {"contains": "Answer politely", "text": "You will find this under Settings."},
    ]
}


def by_urgency(context: dict[str, Any]) -> str:
    """Gets the parent's output, all outputs by name and the run's variables; names a successor."""
    return "call" if context["parent_output"]["urgency"] > 5 else "mail"


def build() -> Workflow:
    """classify -> billing or question, and beside it -> call or mail."""
    flow = Workflow("support")
    classify = flow.add_node(Node.agent("classify", "Classify: {ticket}"))
    kind = flow.add_node(Node.condition("kind", "output.kind == 'billing' ? 'refund' : 'answer'"))
    urgency = flow.add_node(Node.condition("urgency", by_urgency))
    for condition, branches in ((kind, ("refund", "answer")), (urgency, ("call", "mail"))):
        flow.connect(classify, condition)
        for name in branches:
            prompt = "Apologise" if name in ("refund", "call") else "Answer politely"
            flow.connect(condition, flow.add_node(Node.agent(name, f"{prompt}: {{ticket}}")))
    return flow


def run(config: LlmConfig, ticket: str) -> WorkflowResult:
    """Each run is a new walk through the same workflow."""
    return Executor(config).execute(build(), inputs={"ticket": ticket})


def main() -> None:
    with Simulator(script=SCRIPT) as simulator:
        for ticket in ("My card was charged twice", "Where can I change my address?"):
            result = run(simulator.llm_config(), ticket)
            done = [name for name in ("refund", "answer", "call", "mail") if result.get_node_output(name)]
            print(f"{ticket} -> {' and '.join(done)}: {result.get_node_output(done[0])}")


if __name__ == "__main__":
    main()
