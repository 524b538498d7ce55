#!/usr/bin/env python3
"""Guardrails: the model works with tokens, the user and the tools see the values.

Runs on the embedded simulator, which says what it was told, so that one can see what left this process.
"""

from __future__ import annotations

import json
from typing import Any

from graphbit import Executor, GuardRailPolicyConfig, LlmClient, Node, Workflow
from graphbit.guardrail import GuardRail
from graphbit.testing import Simulator

POLICY = GuardRailPolicyConfig.from_json(
    json.dumps(
        {
            "policy_name": "customer data",
            "guardrail_policy": {
                "pii_rules": [
                    {"type": "regex", "name": "EMAIL", "pattern": r"[\w.+-]+@[\w-]+\.[\w.]+\w"},
                    {"type": "regex", "name": "CARD", "pattern": r"\b(?:\d{4} ){3}\d{4}\b"},
                ],
                "masking": True,
                "mapping": True,
            },
        }
    )
)
PROMPT = "Confirm to ann@example.org that card 4111 1111 1111 1111 was charged."
SCRIPT: dict[str, Any] = {
    "rules": [
        {"matches": r"Confirm to (\S+) that card (\S+)", "text": "Dear $1, your card $2 was charged."},
    ]
}


def main() -> None:
    with Simulator(script=SCRIPT) as simulator:
        # In a workflow, every call of every agent is guarded.
        flow = Workflow("confirmation")
        flow.add_node(Node.agent("writer", PROMPT))
        executor = Executor(simulator.llm_config())
        print(f"workflow: {executor.execute(flow, policy=POLICY).get_node_output('writer')}")

        # The same around a call of one's own.
        call = GuardRail(POLICY).begin_call()
        masked = call.mask(PROMPT)
        answer = LlmClient(simulator.llm_config()).complete(masked)
        print(f"sent:     {masked}")
        print(f"answered: {answer}")
        print(f"read as:  {call.unmask(answer)}")


if __name__ == "__main__":
    main()
