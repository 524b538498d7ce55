"""What a tool call gave: :class:`ToolResult`, and :class:`ToolResultCollection` for several of them."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

from .argument_checks import U64_MAX, require_instance, require_str, require_unsigned
from .errors import ValidationError

_PREVIEW_BYTES = 50


class ToolResult:
    """The outcome of one tool call.

    Read-only: ``tool_name``, ``input_params`` (text), ``output`` (text, empty on failure), ``success``, ``error`` (None
    on success), ``duration_ms`` and ``timestamp`` (Unix milliseconds, when the call ended).
    """

    __slots__ = ("_duration_ms", "_error", "_input_params", "_metadata", "_output", "_timestamp", "_tool_name")

    def __init__(self, tool_name: str, input_params: str, output: str, duration_ms: int = 0) -> None:
        self._tool_name = require_str("tool_name", tool_name)
        self._input_params = require_str("input_params", input_params)
        self._output = require_str("output", output)
        self._duration_ms = require_unsigned("duration_ms", duration_ms)
        self._error: Optional[str] = None
        self._timestamp = time.time_ns() // 1_000_000
        self._metadata: dict[str, Any] = {}

    @staticmethod
    def failure(tool_name: str, input_params: str, error: str, duration_ms: int = 0) -> ToolResult:
        """A result that says why the call failed."""
        result = ToolResult(tool_name, input_params, "", duration_ms)
        result._error = require_str("error", error)
        return result

    @staticmethod
    def from_json(json_str: str) -> ToolResult:
        """Reads what :meth:`to_json` wrote; raises ValueError for anything else."""
        try:
            fields = json.loads(require_str("json_str", json_str))
            result = ToolResult(fields["tool_name"], fields["input_params"], fields["output"], fields["duration_ms"])
            error = fields.get("error")
            if fields["success"] is not (error is None):
                raise ValueError("'success' and 'error' contradict each other")
            result._error = None if error is None else require_str("error", error)
            result._timestamp = require_unsigned("timestamp", fields["timestamp"], U64_MAX)
            result._metadata = dict(fields.get("metadata") or {})
        except KeyError as missing:
            raise ValidationError(
                f"Failed to deserialize tool result: missing field {missing}", field="json_str"
            ) from None
        except (TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
            raise ValidationError(f"Failed to deserialize tool result: {error}", field="json_str") from None
        return result

    @property
    def tool_name(self) -> str:
        """Name of the tool."""
        return self._tool_name

    @property
    def input_params(self) -> str:
        """The arguments as text."""
        return self._input_params

    @property
    def output(self) -> str:
        """What the tool returned, as text; empty on failure."""
        return self._output

    @property
    def success(self) -> bool:
        """Whether the call succeeded."""
        return self._error is None

    @property
    def error(self) -> Optional[str]:
        """Why the call failed; None on success."""
        return self._error

    @property
    def duration_ms(self) -> int:
        """How long the call took, in whole milliseconds."""
        return self._duration_ms

    @property
    def timestamp(self) -> int:
        """When the call ended, in Unix milliseconds."""
        return self._timestamp

    def is_success(self) -> bool:
        """Whether the call succeeded."""
        return self.success

    def is_failure(self) -> bool:
        """Whether the call failed."""
        return not self.success

    def get_error(self) -> Optional[str]:
        """Why the call failed; None on success."""
        return self._error

    def get_duration(self) -> float:
        """How long the call took, in seconds."""
        return self._duration_ms / 1000.0

    def add_metadata(self, key: str, value: object) -> None:
        """Attaches a value; what JSON cannot say is kept as its text."""
        self._metadata[require_str("key", key)] = json_or_text(value)

    def get_metadata(self, key: str) -> Optional[str]:
        """JSON text of an attached value; None if there is none."""
        return compact_json(self._metadata[key]) if require_str("key", key) in self._metadata else None

    def to_json(self) -> str:
        """All of it as one JSON object."""
        return compact_json(
            {
                "tool_name": self._tool_name,
                "input_params": self._input_params,
                "output": self._output,
                "success": self.success,
                "error": self._error,
                "duration_ms": self._duration_ms,
                "timestamp": self._timestamp,
                "metadata": self._metadata,
            }
        )

    def __repr__(self) -> str:
        success = str(self.success).lower()
        return f"ToolResult(tool_name='{self._tool_name}', success={success}, duration_ms={self._duration_ms})"

    def __str__(self) -> str:
        if self._error is not None:
            return f"✗ {self._tool_name} -> Error: {self._error}"
        return f"✓ {self._tool_name} -> {_preview(self._output)}"


class ToolResultCollection:
    """Results in the order in which they were added."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        self._results: list[ToolResult] = []

    def add(self, result: ToolResult) -> None:
        """Appends one result."""
        self._results.append(require_instance("result", result, ToolResult))

    def get_all(self) -> list[ToolResult]:
        """Every result."""
        return list(self._results)

    def get_successful(self) -> list[ToolResult]:
        """Results of calls that succeeded."""
        return [result for result in self._results if result.success]

    def get_failed(self) -> list[ToolResult]:
        """Results of calls that failed."""
        return [result for result in self._results if not result.success]

    def count(self) -> int:
        """How many results there are."""
        return len(self._results)

    def success_count(self) -> int:
        """How many calls succeeded."""
        return sum(result.success for result in self._results)

    def failure_count(self) -> int:
        """How many calls failed."""
        return len(self._results) - self.success_count()

    def success_rate(self) -> float:
        """Share of successful calls in percent; 0.0 without any."""
        return 100.0 * self.success_count() / len(self._results) if self._results else 0.0

    def total_duration_ms(self) -> int:
        """Sum of all durations in milliseconds."""
        return sum(result.duration_ms for result in self._results)

    def clear(self) -> None:
        """Forgets all results."""
        self._results.clear()

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return f"ToolResultCollection(count={self.count()}, success_rate={self.success_rate():.1f}%)"


def compact_json(value: object) -> str:
    """JSON without spaces, with non-ASCII text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_or_text(value: object) -> Any:
    """`value` itself if JSON can say it, else its text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return str(value)


def _preview(text: str) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= _PREVIEW_BYTES:
        return text
    return encoded[:_PREVIEW_BYTES].decode("utf-8", "ignore") + "..."
