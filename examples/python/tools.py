#!/usr/bin/env python3
"""Tools: a model asks for Python functions, and answers with what they gave.

Runs on the embedded simulator; a script stands in for a model that decides to use tools.
"""

from __future__ import annotations

import datetime
import enum
from typing import Any

from graphbit import Executor, Node, ToolExecutor, Workflow, get_registered_tools, tool
from graphbit.testing import Simulator


class Unit(enum.Enum):
    """How a temperature is told."""

    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


@tool(description="The temperature in a city")
def temperature(city: str, unit: Unit = Unit.CELSIUS) -> str:
    """
    Args:
        city: its English name
        unit: how to tell it
    """
    celsius = {"Rome": 21.5, "Oslo": 3.0}.get(city)
    if celsius is None:
        raise LookupError(f"no weather station in {city}")
    return f"{celsius if unit is Unit.CELSIUS else celsius * 9 / 5 + 32:.1f} {unit.value}"


@tool
def days_between(first: datetime.date, last: datetime.date) -> int:
    """How many days lie between two dates."""
    return (last - first).days


SCRIPT: dict[str, Any] = {
    "rules": [
        {
            "contains": "How warm",
            "last_role": "user",
            "tool_calls": [
                {"name": "temperature", "arguments": {"city": "Rome", "unit": "fahrenheit"}},
                {"name": "temperature", "arguments": {"city": "Atlantis"}},
                {"name": "days_between", "arguments": {"first": "2026-01-01", "last": "2026-03-01"}},
            ],
        },
        {
            "last_role": "tool",
            "text": "It is 70.7 degrees in Rome, nobody knows about Atlantis, and March is 59 days away.",
        },
    ]
}


def main() -> None:
    print(f"registered: {get_registered_tools()}")
    with Simulator(script=SCRIPT) as simulator:
        flow = Workflow("weather")
        flow.add_node(
            Node.agent("reporter", "How warm is it in Rome and in Atlantis?", tools=[temperature, days_between])
        )
        result = Executor(simulator.llm_config()).execute(flow)
        print(f"answer: {result.get_node_output('reporter')}")
        metadata = result.get_node_response_metadata("reporter") or {}
        for call in metadata["executions"]:
            if call["type"] == "tool_call":
                print(f"  {call['tool_name']}({call['parameters']}) -> {call['output'] or call['error']}")

    executor = ToolExecutor()  # the same tools, called by hand
    for outcome in executor.execute_tools([{"name": "temperature", "parameters": {"city": "Oslo"}}]).get_all():
        print(f"by hand: {outcome}")


if __name__ == "__main__":
    main()
