#!/usr/bin/env python3
"""Memory: what was said in one conversation is known in the next.

Runs on the embedded simulator; a script stands in for a model that takes facts out of conversations.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from graphbit import LlmClient, MemoryClient, MemoryConfig
from graphbit.testing import Simulator

SCRIPT: dict[str, Any] = {
    "rules": [
        {
            "contains": "I live in Rome",
            "json": ["Ann lives in Rome, near the Colosseum", "Ann prefers green tea over coffee"],
        },
        {
            "contains": "New facts:\n1. Ann lives in Rome",
            "json": [
                {"fact": "Ann lives in Rome, near the Colosseum", "action": "ADD"},
                {"fact": "Ann prefers green tea over coffee", "action": "ADD"},
            ],
        },
        {"contains": "Known about the user", "text": "A pot of green tea, as always?"},
    ]
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Simulator(script=SCRIPT) as simulator:
        config = MemoryConfig(
            simulator.llm_config(),
            simulator.embedding_config(),
            db_path=str(Path(folder) / "memory.db"),
            similarity_threshold=0.3,
        )
        with MemoryClient(config) as memory:
            conversation = [("user", "I live in Rome, near the Colosseum. Tea please, green, never coffee!")]
            for added in memory.add(conversation, user_id="ann"):
                print(f"remembered: {added.content}")

        with MemoryClient(config) as memory:  # another day, another process
            question = "What does Ann prefer to drink, tea or coffee?"
            found = memory.search(question, user_id="ann")
            print(f"found: {found[0].memory.content}")
            print(f"about bob: {memory.search(question, user_id='bob')}")

            known = "\n".join(item.memory.content for item in found)
            client = LlmClient(simulator.llm_config())
            answer = client.complete(f"Known about the user:\n{known}\n\nOffer her a drink.")
            print(f"answer: {answer}")

            memory.delete(found[0].memory.id)
            print(f"history: {[change.action for change in memory.history(found[0].memory.id)]}")


if __name__ == "__main__":
    main()
