"""Tools: Python functions that a language model may call.

    @tool(description="Adds two numbers")
    def add(a: int, b: int) -> int:
        return a + b

A decorated function stays the function it was; its schema comes from its annotations
(:func:`graphbit.tool_schema.schema_of`) and it is registered for the whole process, by its name.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Sequence
from typing import Any, Callable, Optional, TypeVar, Union, overload

from .argument_checks import optional_str, require_instance, require_sequence, require_str, require_str_list
from .errors import ValidationError
from .tool_executor import ExecutorConfig, ToolExecutor
from .tool_registry import ToolRegistry
from .tool_result import ToolResult, ToolResultCollection, compact_json
from .tool_schema import TOOL_ATTRIBUTE, ToolDeclaration

__all__ = [
    "ExecutorConfig",
    "ToolDecorator",
    "ToolExecutor",
    "ToolRegistry",
    "ToolResult",
    "ToolResultCollection",
    "clear_tools",
    "execute_production_tool_calls",
    "execute_tool",
    "execute_workflow_tool_calls",
    "get_registered_tools",
    "get_tool_registry",
    "sync_global_tools_to_workflow",
    "tool",
]

Function = TypeVar("Function", bound=Callable[..., Any])

_global_registry = ToolRegistry.new_global_proxy()


class ToolDecorator:
    """Makes decorators that register functions in one registry, the process-wide one by default."""

    __slots__ = ("_registry",)

    def __init__(self, registry: Optional[ToolRegistry] = None) -> None:
        self._registry = _global_registry if registry is None else require_instance("registry", registry, ToolRegistry)

    def __call__(
        self, description: Optional[str] = None, name: Optional[str] = None, return_type: Optional[str] = None
    ) -> Callable[[Function], Function]:
        """A decorator that registers its function and returns it unchanged; what is not given it takes from there."""
        optional_str("description", description)
        optional_str("name", name)
        optional_str("return_type", return_type)

        def register(function: Function) -> Function:
            self._registry.register_function(function, name, description, return_type)
            return function

        return register

    def register(
        self, func: Callable[..., object], name: Optional[str], description: Optional[str], return_type: Optional[str]
    ) -> None:
        """Registers a function; None takes the name, description or return type from the function itself."""
        self._registry.register_function(
            func,
            optional_str("name", name),
            optional_str("description", description),
            optional_str("return_type", return_type),
        )

    def list_tools(self) -> list[str]:
        """Names in the registry."""
        return self._registry.list_tools()

    def get_tool_info(self, name: str) -> Optional[str]:
        """As :meth:`ToolRegistry.get_tool_metadata`."""
        return self._registry.get_tool_metadata(name)

    def get_registry(self) -> ToolRegistry:
        """The registry this decorator fills."""
        return self._registry

    def __repr__(self) -> str:
        return "ToolDecorator(registry=<ToolRegistry>)"


@overload
def tool(_description: Function) -> Function: ...


@overload
def tool(
    _description: Optional[str] = None,
    *,
    description: Optional[str] = None,
    name: Optional[str] = None,
    return_type: Optional[str] = None,
) -> Callable[[Function], Function]: ...


def tool(
    _description: Union[str, Callable[..., Any], None] = None,
    *,
    description: Optional[str] = None,
    name: Optional[str] = None,
    return_type: Optional[str] = None,
) -> Any:
    """Declares a function a tool, bare (``@tool``) or with arguments (``@tool(description="...")``).

    The same function object comes back, registered for the whole process. `description` is what a model reads; without
    it the docstring is used, and `_description` only where there is no docstring. `name` defaults to the function's,
    `return_type` is only shown.
    """
    if callable(_description) and not isinstance(_description, str):
        return _declare(_description, ToolDeclaration())
    declaration = ToolDeclaration(
        name=optional_str("name", name),
        description=optional_str("description", description),
        fallback_description=optional_str("_description", _description),
        return_type=optional_str("return_type", return_type),
    )
    return lambda function: _declare(function, declaration)


def _declare(function: Function, declaration: ToolDeclaration) -> Function:
    if not callable(function):
        raise TypeError(f"a tool must be callable, not '{type(function).__name__}'")
    with contextlib.suppress(AttributeError):  # built-ins take no attributes; the registry knows their declaration
        setattr(getattr(function, "__func__", function), TOOL_ATTRIBUTE, declaration)
    _global_registry.register_function(function, declaration.name, declaration.description, declaration.return_type)
    return function


def get_tool_registry() -> ToolRegistry:
    """A registry over the process-wide tools."""
    return ToolRegistry.new_global_proxy()


def get_registered_tools() -> list[str]:
    """Names of the process-wide tools, the same from every thread."""
    return _global_registry.list_tools()


def clear_tools() -> None:
    """Forgets the process-wide tools and their call history. Nodes that were given tools keep theirs."""
    _global_registry.clear()


def sync_global_tools_to_workflow() -> None:
    """Does nothing any more: workflows read the process-wide tools themselves. Kept so that older scripts run."""


def execute_tool(tool_name: str, args: Sequence[object]) -> Any:
    """Calls a process-wide tool with positional arguments and returns what it returns.

    Raises ValueError for an unknown tool, and whatever the tool itself raises.
    """
    require_str("tool_name", tool_name)
    arguments = require_sequence("args", args)
    try:
        function = _global_registry.function(tool_name)
    except KeyError:
        raise ValidationError(f"Tool '{tool_name}' not found in registry", field="tool_name", value=tool_name) from None
    return function(*arguments)


def execute_workflow_tool_calls(tool_calls_json: str, node_tools: Sequence[str]) -> str:
    """Runs a JSON list of {tool_name, parameters} and returns one line of text per call.

    Only tools named in `node_tools` are run; every fault becomes a line, so that a model can read it. Raises ValueError
    if the text is no JSON list.
    """
    allowed = set(require_str_list("node_tools", node_tools))
    lines = [_workflow_line(call, allowed) for call in _parsed_calls(tool_calls_json)]
    return "\n".join(lines) if lines else "No tool calls were executed"


def _workflow_line(call: object, allowed: set[str]) -> str:
    parsed = _name_and_parameters(call)
    if parsed is None:
        return "Error: Invalid tool call format - missing tool_name or parameters"
    name, parameters = parsed
    if name not in allowed or not _global_registry.has_tool(name):
        return f"{name}: Error - Tool '{name}' not available for this node"
    result = _global_registry.execute_tool(name, parameters)
    return f"{name}: {result.output}" if result.error is None else f"{name}: Error - {result.error}"


def execute_production_tool_calls(tool_calls_json: str, node_tools: Sequence[str]) -> str:
    """As :func:`execute_workflow_tool_calls`, giving a JSON list of {tool_name, output, success, error, start_time,
    end_time (RFC 3339, UTC), latency_ms}."""
    allowed = set(require_str_list("node_tools", node_tools))
    return compact_json([_production_record(call, allowed) for call in _parsed_calls(tool_calls_json)])


def _production_record(call: object, allowed: set[str]) -> dict[str, Any]:
    started_at, started_ns = _now(), time.perf_counter_ns()
    name, output, error = "unknown", "", None
    parsed = _name_and_parameters(call)
    if parsed is None:
        error = "Invalid tool call format"
    else:
        name, parameters = parsed
        if name not in allowed:
            error = f"Tool '{name}' not available for this node"
        elif not _global_registry.has_tool(name):
            error = f"ValueError: Tool '{name}' not found in global registry"
        else:
            result = _global_registry.execute_tool(name, parameters)
            output, error = result.output, result.error
    return {
        "tool_name": name,
        "output": output,
        "success": error is None,
        "error": error,
        "start_time": started_at,
        "end_time": _now(),
        "latency_ms": (time.perf_counter_ns() - started_ns) // 1_000_000,
    }


def _parsed_calls(tool_calls_json: str) -> list[object]:
    try:
        calls = json.loads(require_str("tool_calls_json", tool_calls_json))
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"Failed to parse tool calls JSON: {error}", field="tool_calls_json") from None
    if not isinstance(calls, list):
        message = f"Failed to parse tool calls JSON: expected a list, not {type(calls).__name__}"
        raise ValidationError(message, field="tool_calls_json")
    return calls


def _name_and_parameters(call: object) -> Optional[tuple[str, dict[str, Any]]]:
    if not isinstance(call, dict):
        return None
    name, parameters = call.get("tool_name"), call.get("parameters")
    return (name, parameters) if isinstance(name, str) and isinstance(parameters, dict) else None


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
