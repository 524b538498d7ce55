"""What ``Executor.execute_streaming`` gives: the schema of its events."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NODE = {"node_id": "str", "node_name": "str"}
_LLM = {**_NODE, "llm_call_id": "str", "iteration": "int"}
_TOOL = {**_NODE, "tool_name": "str", "tool_call_id": "str"}
_ERROR = {"error": "str", "error_type": "str"}

# event: (what it says, category, phase, its own fields by type)
_EVENTS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "workflow_started": (
        "The run begins.",
        "workflow",
        "started",
        {"workflow_id": "str", "workflow_name": "str", "total_nodes": "int"},
    ),
    "workflow_completed": (
        "The run completed; the last event.",
        "workflow",
        "completed",
        {"result": "WorkflowResult", "outputs": "str"},
    ),
    "workflow_failed": ("The run failed; the last event.", "workflow", "failed", _ERROR),
    "node_started": ("A node's inputs are there.", "node", "started", _NODE),
    "node_completed": ("A node has its output.", "node", "completed", {**_NODE, "output": "str"}),
    "node_failed": ("A node failed.", "node", "failed", {**_NODE, **_ERROR}),
    "node_skipped": (
        "A node will not run, because of what came before it.",
        "node",
        "completed",
        {**_NODE, "reason": "str"},
    ),
    "token": (
        "A piece of a model's answer.",
        "llm",
        "token",
        {**_NODE, "llm_call_id": "str", "content": "str"},
    ),
    "llm_call_started": ("A model is asked.", "llm", "started", {**_LLM, "model": "str"}),
    "llm_call_completed": (
        "A model answered.",
        "llm",
        "completed",
        {**_LLM, "finish_reason": "str", "output": "str", "duration_ms": "float"},
    ),
    "tool_call_started": ("A tool is called.", "tool", "started", {**_TOOL, "parameters": "str"}),
    "tool_call_completed": (
        "A tool gave its result.",
        "tool",
        "completed",
        {**_TOOL, "output": "str", "duration_ms": "float"},
    ),
    "tool_call_failed": ("A tool failed.", "tool", "failed", {**_TOOL, **_ERROR}),
}

_EVERY = {"time": "str", "category": "str", "phase": "str", "event": "str"}

_FIELD_MEANINGS = {
    "time": "When it happened: RFC 3339, UTC.",
    "category": "What it is about: workflow, node, llm or tool.",
    "phase": "What happened to that: started, completed, failed or token.",
    "event": "The event's own name, such as node_completed.",
    "workflow_id": "The workflow's UUID.",
    "workflow_name": "The workflow's name.",
    "total_nodes": "How many nodes the workflow has.",
    "node_id": "The node's UUID.",
    "node_name": "The node's name.",
    "llm_call_id": "The same for all events of one call to a model.",
    "iteration": "Which call to the model of this node, from 1.",
    "model": "The model that is asked.",
    "content": "The piece of text.",
    "finish_reason": "Why the model stopped.",
    "output": "The output: text, or JSON text for what is no string.",
    "outputs": "All nodes' outputs, as JSON text.",
    "result": "What the run came to.",
    "duration_ms": "How long it took, in milliseconds.",
    "tool_name": "The tool's name.",
    "tool_call_id": "The model's id of this call.",
    "parameters": "The tool's arguments, as JSON text.",
    "reason": "Why the node was skipped.",
    "error": "What went wrong.",
    "error_type": "timeout_error, connection_error, permission_error, value_error or runtime_error.",
}


def schema() -> dict[str, Any]:
    """The schema that ``Executor.get_stream_event_schema`` gives; a new dict each time."""
    groups: dict[str, list[str]] = {"workflow": [], "node": [], "llm": [], "tool": []}
    for event, (_, category, _, _) in _EVENTS.items():
        groups[category].append(event)
    return {
        "description": "Events of one workflow run, in order, each a dict with the fields below. Nodes"
        " of a sub-workflow are named 'NODE/INNER'.",
        "version": 1,
        "generic_dimensions": {name: _FIELD_MEANINGS[name] for name in ("event", "category", "phase")},
        "stream_modes": {
            "updates": "all events but tokens",
            "messages": "tokens and the terminal event",
            "all": "all events",
        },
        "event_groups": groups,
        "events": [_described(event) for event in _EVENTS],
    }


def _described(event: str) -> dict[str, Any]:
    description, category, phase, fields = _EVENTS[event]
    return {
        "event": event,
        "description": description,
        "category_value": category,
        "phase_value": phase,
        "fields": [
            {"name": name, "type": kind, "description": _FIELD_MEANINGS[name]}
            for name, kind in {**_EVERY, **fields}.items()
        ],
    }
