"""Running a list of tool calls within limits: :class:`ToolExecutor` and its :class:`ExecutorConfig`."""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import Any, Optional, Union

from .argument_checks import U64_MAX, require_bool, require_instance, require_str, require_unsigned
from .errors import ValidationError
from .tool_registry import ToolRegistry
from .tool_result import ToolResult, ToolResultCollection, compact_json

_log = logging.getLogger("graphbit.tools")


class ExecutorConfig:
    """Limits of a :class:`ToolExecutor`; every one is a read-write attribute.

    ``max_execution_time_ms`` (30000) for all calls together, looked at between calls; ``max_tool_calls`` (10);
    ``continue_on_error`` (False) goes on after a failed call; ``store_results`` (True) keeps and returns results;
    ``enable_logging`` (True) logs each call to the ``graphbit.tools`` logger at debug level.
    """

    __slots__ = ("_continue_on_error", "_enable_logging", "_max_execution_time_ms", "_max_tool_calls", "_store_results")

    def __init__(
        self,
        max_execution_time_ms: int = 30000,
        max_tool_calls: int = 10,
        continue_on_error: bool = False,
        store_results: bool = True,
        enable_logging: bool = True,
    ) -> None:
        self.max_execution_time_ms = max_execution_time_ms
        self.max_tool_calls = max_tool_calls
        self.continue_on_error = continue_on_error
        self.store_results = store_results
        self.enable_logging = enable_logging

    @staticmethod
    def production() -> ExecutorConfig:
        """60 s, 20 calls, stops at the first failure."""
        return ExecutorConfig(60000, 20, False, True, True)

    @staticmethod
    def development() -> ExecutorConfig:
        """10 s, 5 calls, goes on after failures."""
        return ExecutorConfig(10000, 5, True, True, True)

    @property
    def max_execution_time_ms(self) -> int:
        """Time for all calls together, in milliseconds."""
        return self._max_execution_time_ms

    @max_execution_time_ms.setter
    def max_execution_time_ms(self, value: int) -> None:
        self._max_execution_time_ms = require_unsigned("max_execution_time_ms", value, U64_MAX)

    @property
    def max_tool_calls(self) -> int:
        """How many calls one list may make."""
        return self._max_tool_calls

    @max_tool_calls.setter
    def max_tool_calls(self, value: int) -> None:
        self._max_tool_calls = require_unsigned("max_tool_calls", value, U64_MAX)

    @property
    def continue_on_error(self) -> bool:
        """Whether a failed call is followed by the next one."""
        return self._continue_on_error

    @continue_on_error.setter
    def continue_on_error(self, value: bool) -> None:
        self._continue_on_error = require_bool("continue_on_error", value)

    @property
    def store_results(self) -> bool:
        """Whether results are kept and returned."""
        return self._store_results

    @store_results.setter
    def store_results(self, value: bool) -> None:
        self._store_results = require_bool("store_results", value)

    @property
    def enable_logging(self) -> bool:
        """Whether each call is logged at debug level."""
        return self._enable_logging

    @enable_logging.setter
    def enable_logging(self, value: bool) -> None:
        self._enable_logging = require_bool("enable_logging", value)

    def __repr__(self) -> str:
        go_on = str(self.continue_on_error).lower()
        return (
            f"ExecutorConfig(max_time={self.max_execution_time_ms}ms, max_calls={self.max_tool_calls}, "
            f"continue_on_error={go_on})"
        )


class _ExecutionContext:
    """What one list of calls has done so far."""

    def __init__(self) -> None:
        self.execution_id = str(uuid.uuid4())
        self.started_ns = time.perf_counter_ns()
        self.tool_calls = 0
        self.results = ToolResultCollection()
        self.variables: dict[str, Any] = {}

    def elapsed_ms(self) -> int:
        return (time.perf_counter_ns() - self.started_ns) // 1_000_000


class ToolExecutor:
    """Runs tool calls one after the other, within the limits of its config.

    Without a registry it uses the process-wide tools. Each list of calls starts a fresh context of results and
    variables; not meant for several threads at once.
    """

    __slots__ = ("_config", "_context", "_registry")

    def __init__(self, registry: Optional[ToolRegistry] = None, config: Optional[ExecutorConfig] = None) -> None:
        self._registry = (
            ToolRegistry.new_global_proxy()
            if registry is None
            else require_instance("registry", registry, ToolRegistry)
        )
        self._config = ExecutorConfig() if config is None else require_instance("config", config, ExecutorConfig)
        self._context = _ExecutionContext()

    def execute_tools(self, tool_calls: list[Union[dict[str, Any], str]]) -> ToolResultCollection:
        """Runs each call: a dict {name, id (made up if absent), parameters (default {})} or a JSON text of all three.

        A malformed call and a tool's own exception give failed results, and end the list unless ``continue_on_error``;
        an unknown tool raises KeyError. At a limit the rest is left out. Raises ValueError for a limit of 0.
        """
        require_instance("tool_calls", tool_calls, list)
        if self._config.max_execution_time_ms == 0:
            raise ValidationError("Max execution time must be greater than 0", field="max_execution_time_ms")
        if self._config.max_tool_calls == 0:
            raise ValidationError("Max tool calls must be greater than 0", field="max_tool_calls")
        if not tool_calls:
            return ToolResultCollection()
        self._context = context = _ExecutionContext()
        for call in tool_calls:
            if context.tool_calls >= self._config.max_tool_calls:
                break
            if context.elapsed_ms() > self._config.max_execution_time_ms:
                break
            result = self._run(call)
            context.tool_calls += 1
            self._store(result)
            if result.is_failure() and not self._config.continue_on_error:
                break
        return context.results

    def get_results(self) -> ToolResultCollection:
        """Results of the last list of calls."""
        return self._context.results

    def get_variables(self) -> str:
        """JSON object of all variables, ``tool_result_<n>`` (from 1) among them."""
        return compact_json(self._context.variables)

    def set_variable(self, key: str, value: object) -> None:
        """Sets a variable of the present context; raises TypeError for what JSON cannot say."""
        _require_json(value)
        self._context.variables[require_str("key", key)] = value

    def get_variable(self, key: str) -> Optional[str]:
        """JSON text of a variable; None if there is none."""
        variables = self._context.variables
        return compact_json(variables[key]) if require_str("key", key) in variables else None

    def clear_context(self) -> None:
        """Forgets results, variables and counters."""
        self._context = _ExecutionContext()

    def get_execution_stats(self) -> str:
        """Indented JSON of the last list: execution_id, tool_calls, elapsed_ms, success_rate (percent), total_results,
        successful_results, failed_results."""
        context = self._context
        stats = {
            "execution_id": context.execution_id,
            "tool_calls": context.tool_calls,
            "elapsed_ms": context.elapsed_ms(),
            "success_rate": context.results.success_rate(),
            "total_results": context.results.count(),
            "successful_results": context.results.success_count(),
            "failed_results": context.results.failure_count(),
        }
        return json.dumps(stats, indent=2)

    def _run(self, call: object) -> ToolResult:
        try:
            name, call_id, parameters = _parsed_call(call)
        except (KeyError, TypeError, ValueError) as error:
            text = f"Failed to parse tool call: {type(error).__name__}: {error}"
            return ToolResult.failure("unknown_tool", "invalid_params", text)
        fault = _call_fault(name, call_id, parameters)
        if fault is not None:
            text = f"Tool call validation failed: Validation error: {fault}"
            return ToolResult.failure(name, compact_json(parameters), text)
        result = self._registry.execute_tool(name, parameters or {})
        if self._config.enable_logging:
            _log.debug("tool %s: success=%s, %d ms", name, result.success, result.duration_ms)
        return result

    def _store(self, result: ToolResult) -> None:
        if not self._config.store_results:
            return
        self._context.results.add(result)
        self._context.variables[f"tool_result_{self._context.results.count()}"] = result.output

    def __repr__(self) -> str:
        return f"ToolExecutor(config={self._config!r})"


def _parsed_call(call: object) -> tuple[str, str, Any]:
    if isinstance(call, str):
        try:
            fields = json.loads(call)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"Failed to parse tool call JSON: {error}") from None
        if not isinstance(fields, dict):
            raise ValueError(f"Failed to parse tool call JSON: expected an object, not {type(fields).__name__}")
        for key in ("id", "name", "parameters"):
            if key not in fields:
                raise ValueError(f"Failed to parse tool call JSON: missing field `{key}`")
    elif isinstance(call, dict):
        fields = call
    else:
        raise TypeError("Tool call must be a dictionary or JSON string")
    if "name" not in fields:
        raise KeyError("Missing 'name' in tool call")
    name = require_str("name", fields["name"])
    call_id = require_str("id", fields.get("id", str(uuid.uuid4())))
    parameters = fields.get("parameters", {})
    _require_json(parameters)
    return name, call_id, parameters


def _call_fault(name: str, call_id: str, parameters: object) -> Optional[str]:
    if not name.strip():
        return "Tool name cannot be empty"
    if not call_id.strip():
        return "Tool call ID cannot be empty"
    if parameters is not None and not isinstance(parameters, dict):
        return "Tool parameters must be a JSON object or null"
    return None


def _require_json(value: object, depth: int = 0) -> None:
    """Raises TypeError unless `value` is what JSON has: text, numbers, bools, None, lists, dicts with text keys."""
    if depth > 128:
        raise TypeError("Unsupported type for JSON conversion: nested too deep")
    if value is None or isinstance(value, (str, bool, int, float)):
        return
    if isinstance(value, list):
        for item in value:
            _require_json(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"'{type(key).__name__}' object cannot be converted to 'PyString'")
            _require_json(item, depth + 1)
    else:
        raise TypeError("Unsupported type for JSON conversion")
