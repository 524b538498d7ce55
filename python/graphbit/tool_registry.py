"""Where tools are kept by name, called, and counted: :class:`ToolRegistry`."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Callable, Optional

from . import tool_schema
from .argument_checks import optional_str, require_dict, require_str
from .errors import ValidationError
from .tool_arguments import call_tool
from .tool_result import ToolResult, compact_json, json_or_text

HISTORY_MAX = 1000


class _Tool:
    """One registered function with its counters."""

    __slots__ = (
        "call_count",
        "created_at_ms",
        "description",
        "function",
        "last_called_at_ms",
        "name",
        "parameters_schema",
        "return_type",
        "total_duration_ms",
    )

    def __init__(
        self, name: str, description: str, function: Callable[..., object], schema: Any, return_type: str
    ) -> None:
        self.name = name
        self.description = description
        self.function = function
        self.parameters_schema = schema
        self.return_type = return_type
        self.created_at_ms = time.time_ns() // 1_000_000
        self.call_count = 0
        self.total_duration_ms = 0
        self.last_called_at_ms: Optional[int] = None

    def metadata(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "parameters_schema": self.parameters_schema,
            "return_type": self.return_type,
            "created_at": self.created_at_ms,
            "call_count": self.call_count,
            "total_duration_ms": self.total_duration_ms,
            "last_called_at": self.last_called_at_ms,
        }


class _ToolStore:
    """The tools and the call history that one or more registries share. Safe to use from several threads; a tool itself
    is never called under the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tools: dict[str, _Tool] = {}
        self.history: deque[ToolResult] = deque(maxlen=HISTORY_MAX)


_global_store = _ToolStore()


class ToolRegistry:
    """Tools by name. A new registry is empty and its own; :meth:`new_global_proxy` gives one that shares the tools of
    the whole process, the ones that ``@tool`` and ``Node.agent(tools=...)`` register."""

    __slots__ = ("_store",)

    def __init__(self) -> None:
        self._store = _ToolStore()

    @staticmethod
    def new_global_proxy() -> ToolRegistry:
        """A registry over the process-wide tools."""
        registry = ToolRegistry()
        registry._store = _global_store
        return registry

    def register_tool(
        self,
        name: str,
        description: str,
        function: Callable[..., object],
        parameters_schema: dict[str, Any],
        return_type: Optional[str],
    ) -> None:
        """Adds a tool, or replaces the one of that name.

        `parameters_schema` is the JSON schema of the arguments; `return_type` is only shown ("Any" for None). Raises
        ValueError for a blank name or description, TypeError for what is not callable.
        """
        if not require_str("name", name).strip():
            raise ValidationError("Tool name cannot be empty", field="name", value=name)
        if not require_str("description", description).strip():
            raise ValidationError("Tool description cannot be empty", field="description", value=description)
        if not callable(function):
            raise TypeError(f"argument 'function': '{type(function).__name__}' object is not callable")
        schema = _json_copy(require_dict("parameters_schema", parameters_schema))
        tool = _Tool(name, description, function, schema, optional_str("return_type", return_type) or "Any")
        with self._store.lock:
            self._store.tools[name] = tool

    def unregister_tool(self, name: str) -> bool:
        """Removes a tool; False if there was none."""
        require_str("name", name)
        with self._store.lock:
            return self._store.tools.pop(name, None) is not None

    def has_tool(self, name: str) -> bool:
        """Whether a tool of that name is registered."""
        return require_str("name", name) in self._store.tools

    def list_tools(self) -> list[str]:
        """Names in the order of registration."""
        with self._store.lock:
            return list(self._store.tools)

    def get_tool_metadata(self, name: str) -> Optional[str]:
        """JSON of a tool: name, description, parameters_schema, return_type, created_at and last_called_at (Unix
        milliseconds), call_count, total_duration_ms. None for an unknown name."""
        with self._store.lock:
            tool = self._store.tools.get(require_str("name", name))
            return None if tool is None else compact_json(tool.metadata())

    def get_llm_tools(self) -> list[str]:
        """One JSON text per tool, {name, description, parameters}: what a model is offered."""
        with self._store.lock:
            tools = list(self._store.tools.values())
        return [
            compact_json({"name": tool.name, "description": tool.description, "parameters": tool.parameters_schema})
            for tool in tools
        ]

    def execute_tool(self, name: str, params: dict[str, Any]) -> ToolResult:
        """Calls a tool as ``f(**params)``, values converted to the annotated types, and notes the result.

        An exception of the tool becomes a failed result, never an exception here; KeyError for an unknown name.
        """
        result, _ = self.call(name, require_dict("params", params))
        return result

    def get_execution_history(self) -> list[ToolResult]:
        """The last 1000 results, oldest first."""
        with self._store.lock:
            return list(self._store.history)

    def clear_history(self) -> None:
        """Forgets past results; the tools and their counters stay."""
        with self._store.lock:
            self._store.history.clear()

    def get_stats(self) -> str:
        """Indented JSON: total_tools, total_executions, successful_executions, success_rate (percent), tools. Counted
        over the kept history."""
        with self._store.lock:
            history = list(self._store.history)
            tools = [tool.metadata() for tool in self._store.tools.values()]
        successful = sum(result.success for result in history)
        stats = {
            "total_tools": len(tools),
            "total_executions": len(history),
            "successful_executions": successful,
            "success_rate": 100.0 * successful / len(history) if history else 0.0,
            "tools": tools,
        }
        return json.dumps(stats, indent=2, ensure_ascii=False)

    def function(self, name: str) -> Callable[..., object]:
        """The registered function itself; KeyError for an unknown name."""
        with self._store.lock:
            tool = self._store.tools.get(require_str("name", name))
        if tool is None:
            raise KeyError(f"Tool '{name}' not found")
        return tool.function

    def register_function(
        self,
        function: Callable[..., object],
        name: Optional[str] = None,
        description: Optional[str] = None,
        return_type: Optional[str] = None,
    ) -> None:
        """Registers a function under what :func:`graphbit.tool_schema.schema_of` finds out about it."""
        schema = tool_schema.schema_of(function)
        shown_type = return_type or tool_schema.declaration_of(function).return_type or _return_type(function)
        self.register_tool(
            name or schema["name"], description or schema["description"], function, schema["parameters"], shown_type
        )

    def clear(self) -> None:
        """Forgets every tool and result."""
        with self._store.lock:
            self._store.tools.clear()
            self._store.history.clear()

    def call(self, name: str, params: Mapping[str, Any]) -> tuple[ToolResult, object]:
        """As :meth:`execute_tool`, with what the function returned (None on failure) beside the result."""
        function = self.function(name)
        started_ns = time.perf_counter_ns()
        shown = repr(dict(params))
        value: object = None
        try:
            value = call_tool(function, dict(params))
            output = str(value)
            result = ToolResult(name, shown, output, _elapsed_ms(started_ns))
        except Exception as error:  # whatever a user's function raises is an answer for the model
            value = None
            result = ToolResult.failure(name, shown, tool_error_text(error), _elapsed_ms(started_ns))
        self._note(name, result)
        return result, value

    def _note(self, name: str, result: ToolResult) -> None:
        with self._store.lock:
            self._store.history.append(result)
            tool = self._store.tools.get(name)
            if tool is not None:
                tool.call_count += 1
                tool.total_duration_ms += result.duration_ms
                tool.last_called_at_ms = result.timestamp

    def __repr__(self) -> str:
        return f"ToolRegistry(tools={len(self._store.tools)})"


def tool_error_text(error: BaseException) -> str:
    """The one sentence that a failed tool call is told by."""
    return f"Tool execution failed: {type(error).__name__}: {error}"


def _elapsed_ms(started_ns: int) -> int:
    return (time.perf_counter_ns() - started_ns) // 1_000_000


def _json_copy(schema: dict[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return {str(key): json_or_text(value) for key, value in schema.items()}


def _return_type(function: Callable[..., object]) -> Optional[str]:
    annotation = getattr(function, "__annotations__", {}).get("return")
    if annotation is None:
        return None
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
