"""What a model is asked about memories, and what is read from its answers. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from .memory_store import Record
from .structured_output import OutputSchema

ACTIONS = ("ADD", "UPDATE", "DELETE", "NOOP")

FACTS = OutputSchema({"title": "facts", "type": "array", "items": {"type": "string"}})
DECISIONS = OutputSchema(
    {
        "title": "decisions",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "fact": {"type": "string"},
                "action": {"type": "string", "enum": list(ACTIONS)},
                "target_memory_id": {"type": ["string", "null"]},
            },
            "required": ["fact", "action"],
        },
    }
)


class Decision(NamedTuple):
    """What to do with a fact."""

    fact: str
    action: str
    target_memory_id: Optional[str]


def facts_prompt(messages: Sequence[tuple[str, str]]) -> str:
    """Asks which facts a conversation holds that are worth remembering."""
    conversation = "\n".join(f"{role.capitalize() or 'User'}: {content}" for role, content in messages)
    return (
        "From the conversation below, list what should be remembered for later conversations: facts about the people "
        "in it, their preferences, plans and circumstances. One short, complete sentence each, understandable without "
        "the conversation. Leave out greetings, small talk and what only matters now; say nothing twice. If nothing is "
        f"worth remembering, the list is empty.\n\nConversation:\n{conversation}"
    )


def decisions_prompt(facts: Sequence[str], memories: Sequence[Record]) -> str:
    """Asks how new facts go together with what is remembered."""
    numbered = "\n".join(f"{number}. {fact}" for number, fact in enumerate(facts, 1))
    known = "\n".join(f"{record.id}: {record.content}" for record in memories) or "(none)"
    return (
        "Decide for each new fact what to do with it. ADD: it is new. UPDATE: it corrects or completes one memory; "
        "name that memory's id as target_memory_id and give the new text of the memory as fact. DELETE: it says that "
        "one memory is no longer true and nothing takes its place; name its id. NOOP: a memory says it already, or it "
        f"is not worth keeping.\n\nNew facts:\n{numbered}\n\nMemories (id: text):\n{known}"
    )


def facts_in(answer: str) -> list[str]:
    """The facts in an answer, without blank and repeated ones. Raises ValueError for an answer of another form."""
    return list(dict.fromkeys(fact.strip() for fact in FACTS.parse(answer) if fact.strip()))


def decisions_in(answer: str, known_ids: Sequence[str]) -> list[Decision]:
    """The decisions in an answer. A target that is not among `known_ids` counts for nothing: an UPDATE without a target
    adds its fact, a DELETE does nothing. Raises ValueError for an answer of another form."""
    decisions = []
    for item in DECISIONS.parse(answer):
        fact, action, target = item["fact"].strip(), item["action"], item.get("target_memory_id")
        if target not in known_ids:
            target = None
            action = {"UPDATE": "ADD", "DELETE": "NOOP"}.get(action, action)
        if fact or action == "DELETE":
            decisions.append(Decision(fact, action, target))
    return decisions
