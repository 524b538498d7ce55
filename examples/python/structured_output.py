#!/usr/bin/env python3
"""Structured output: a model's answer as a checked dataclass, asked for again when it is not valid.

Runs on the embedded simulator, which is told to answer wrongly once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphbit import LlmClient
from graphbit.structured_output import complete_json
from graphbit.testing import Simulator

LETTER = "Two chairs at 49.90 each and one table at 320, invoice 2026-17, to be paid within 30 days."


@dataclass
class Item:
    """One line of an invoice."""

    what: str
    count: int
    price: float


@dataclass
class Invoice:
    """What the letter says."""

    number: str
    items: list[Item]
    due_days: int = 14


WRONG = {"number": "2026-17", "items": [{"what": "chair", "count": "two", "price": 49.9}]}
RIGHT = {
    "number": "2026-17",
    "items": [{"what": "chair", "count": 2, "price": 49.9}, {"what": "table", "count": 1, "price": 320}],
    "due_days": 30,
}
SCRIPT: dict[str, Any] = {
    "rules": [
        {"contains": "It is not valid: invalid structured output: $.items[0].count", "json": RIGHT},
        {"contains": "Read this letter", "json": WRONG},
    ]
}


def main() -> None:
    with Simulator(script=SCRIPT) as simulator:
        client = LlmClient(simulator.llm_config())
        invoice = complete_json(client, f"Read this letter:\n{LETTER}", Invoice)
        total = sum(item.count * item.price for item in invoice.items)
        print(f"invoice {invoice.number}: {len(invoice.items)} items, {total:.2f} due in {invoice.due_days} days")
        print(f"the model was asked {client.get_stats()['total_requests']} times")


if __name__ == "__main__":
    main()
