"""What a model answered: LlmResponse, its usage, finish reason and tool calls."""

from __future__ import annotations

from graphbit import _core
from graphbit.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_U32_MAX = 2**32 - 1


class LlmUsage:
    """Tokens that a request cost, as the provider counted them."""

    __slots__ = (
        "_cache_creation_tokens",
        "_cache_read_tokens",
        "_completion_tokens",
        "_prompt_tokens",
        "_total_tokens",
    )

    def __init__(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Raises OverflowError for numbers outside 0 to 2**32 - 1."""
        self._prompt_tokens = _u32(prompt_tokens, "prompt_tokens")
        self._completion_tokens = _u32(completion_tokens, "completion_tokens")
        self._total_tokens = min(self._prompt_tokens + self._completion_tokens, _U32_MAX)
        self._cache_read_tokens: int | None = None
        self._cache_creation_tokens: int | None = None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of what was asked."""
        return self._prompt_tokens

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer."""
        return self._completion_tokens

    @property
    def total_tokens(self) -> int:
        """Both, as the provider summed them up."""
        return self._total_tokens

    @property
    def cache_read_tokens(self) -> int | None:
        """Prompt tokens read from the provider's cache; None where it does not say."""
        return self._cache_read_tokens

    @property
    def cache_creation_tokens(self) -> int | None:
        """Prompt tokens written to the provider's cache; None where it does not say."""
        return self._cache_creation_tokens

    @staticmethod
    def empty() -> LlmUsage:
        """No tokens at all."""
        return LlmUsage(0, 0)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> LlmUsage:
        """The reverse of ``to_dict``. Raises KeyError ``Missing 'prompt_tokens'`` and so on."""
        for key in ("prompt_tokens", "completion_tokens"):
            if key not in data:
                raise KeyError(f"Missing '{key}'")
        usage = LlmUsage(data["prompt_tokens"], data["completion_tokens"])
        if data.get("total_tokens") is not None:
            usage._total_tokens = _u32(data["total_tokens"], "total_tokens")
        usage._cache_read_tokens = _optional_u32(data.get("cache_read_tokens"), "cache_read_tokens")
        usage._cache_creation_tokens = _optional_u32(
            data.get("cache_creation_tokens"), "cache_creation_tokens"
        )
        return usage

    def to_dict(self) -> dict[str, int | None]:
        """All five counts; those of the cache are None where the provider does not say."""
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "total_tokens": self._total_tokens,
            "cache_read_tokens": self._cache_read_tokens,
            "cache_creation_tokens": self._cache_creation_tokens,
        }

    def add(self, other: LlmUsage) -> None:
        """Adds ``other``'s tokens to this."""
        total = self + other
        for slot in LlmUsage.__slots__:
            setattr(self, slot, getattr(total, slot))

    def __add__(self, other: LlmUsage) -> LlmUsage:
        if not isinstance(other, LlmUsage):
            return NotImplemented
        usage = LlmUsage(
            min(self._prompt_tokens + other._prompt_tokens, _U32_MAX),
            min(self._completion_tokens + other._completion_tokens, _U32_MAX),
        )
        usage._total_tokens = min(self._total_tokens + other._total_tokens, _U32_MAX)
        usage._cache_read_tokens = _sum_of_known(self._cache_read_tokens, other._cache_read_tokens)
        usage._cache_creation_tokens = _sum_of_known(
            self._cache_creation_tokens, other._cache_creation_tokens
        )
        return usage

    def __iadd__(self, other: LlmUsage) -> LlmUsage:
        if not isinstance(other, LlmUsage):
            return NotImplemented
        self.add(other)
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LlmUsage) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [f"{key}={value}" for key, value in self.to_dict().items() if value is not None]
        return f"LlmUsage({', '.join(shown)})"


class FinishReason:
    """Why the model stopped."""

    __slots__ = ("_text",)

    _text: str

    def __init__(self) -> None:
        raise TypeError("No constructor defined for FinishReason")

    @staticmethod
    def stop() -> FinishReason:
        """The model had said all it wanted."""
        return _finish_reason("stop")

    @staticmethod
    def length() -> FinishReason:
        """The token limit cut the answer."""
        return _finish_reason("length")

    @staticmethod
    def tool_calls() -> FinishReason:
        """The model waits for tools to be called."""
        return _finish_reason("tool_calls")

    @staticmethod
    def content_filter() -> FinishReason:
        """The provider held the answer back."""
        return _finish_reason("content_filter")

    @staticmethod
    def error() -> FinishReason:
        """The provider broke off."""
        return _finish_reason("error")

    @staticmethod
    def other(reason: str) -> FinishReason:
        """A provider's own word that is none of the others."""
        return _finish_reason(_core.text_argument(reason, "reason"))

    def is_natural_stop(self) -> bool:
        """The model had said all it wanted: ``stop`` or ``tool_calls``."""
        return self._text in ("stop", "tool_calls")

    def is_truncated(self) -> bool:
        """The token limit cut the answer: ``length``."""
        return self._text == "length"

    def is_error(self) -> bool:
        """``error`` or ``content_filter``."""
        return self._text in ("error", "content_filter")

    def to_string(self) -> str:
        """stop, length, tool_calls, content_filter, error, or the provider's own word."""
        return self._text

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"FinishReason({self._text})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FinishReason) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _finish_reason, (self._text,)


class LlmToolCall:
    """A function that the model asks to have called."""

    __slots__ = ("_id", "_name", "_parameters")

    def __init__(self, id: str, name: str, parameters: str) -> None:
        """``parameters`` is JSON text; ValueError ``Invalid JSON parameters: ...`` otherwise."""
        self._id = _core.text_argument(id, "id")
        self._name = _core.text_argument(name, "name")
        self._parameters = _compact_json(parameters, "parameters", "Invalid JSON parameters")

    @property
    def id(self) -> str:
        """The model's name for this call."""
        return self._id

    @property
    def name(self) -> str:
        """Which tool is to be called."""
        return self._name

    @property
    def parameters(self) -> str:
        """Compact JSON text."""
        return self._parameters

    def to_dict(self) -> dict[str, str]:
        """id, name and parameters."""
        return {"id": self._id, "name": self._name, "parameters": self._parameters}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LlmToolCall) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self._id, self._name, self._parameters))

    def __repr__(self) -> str:
        return f"LlmToolCall(id='{self._id}', name='{self._name}', parameters={self._parameters})"


class LlmResponse:
    """A model's whole answer.

    Beside the contract's attributes: ``provider``, ``request_id`` (the provider's own, from its
    headers), ``attempts`` (requests sent for this answer), ``latency_ms`` and ``cost`` (US dollars, by
    ``graphbit.prices``), each None where not known; ``cached``: it came from the response cache.
    """

    __slots__ = (
        "_content",
        "_finish_reason",
        "_id",
        "_metadata",
        "_model",
        "_tool_calls",
        "_usage",
        "attempts",
        "cached",
        "cost",
        "latency_ms",
        "provider",
        "request_id",
    )

    def __init__(self, content: str, model: str) -> None:
        self._content = _core.text_argument(content, "content")
        self._model = _core.text_argument(model, "model")
        self._id: str | None = None
        self._tool_calls: list[LlmToolCall] = []
        self._usage = LlmUsage.empty()
        self._finish_reason = FinishReason.stop()
        self._metadata: dict[str, str] = {}
        self.provider: str | None = None
        self.request_id: str | None = None
        self.attempts: int | None = None
        self.latency_ms: float | None = None
        self.cost: float | None = None
        self.cached = False

    @property
    def content(self) -> str:
        """The answer's text; may be empty beside tool calls."""
        return self._content

    @property
    def model(self) -> str:
        """The model that answered, as the provider names it."""
        return self._model

    @property
    def id(self) -> str | None:
        """The provider's id of the answer; None where it gives none."""
        return self._id

    @property
    def tool_calls(self) -> list[LlmToolCall]:
        """A copy of the calls the model asks for."""
        return list(self._tool_calls)

    @property
    def usage(self) -> LlmUsage:
        """Tokens, as the provider counted them."""
        return self._usage

    @property
    def finish_reason(self) -> FinishReason:
        """Why the model stopped."""
        return self._finish_reason

    @property
    def metadata(self) -> dict[str, str]:
        """Values are JSON text."""
        return dict(self._metadata)

    def has_tool_calls(self) -> bool:
        """Whether the model asks for tools."""
        return bool(self._tool_calls)

    def is_truncated(self) -> bool:
        """The token limit cut the answer."""
        return self._finish_reason.is_truncated()

    def total_tokens(self) -> int:
        """``usage.total_tokens``."""
        return self._usage.total_tokens

    def with_usage(self, usage: LlmUsage) -> None:
        """Sets the usage, in place."""
        self._usage = _instance(usage, LlmUsage, "usage")

    def with_tool_calls(self, tool_calls: list[LlmToolCall]) -> None:
        """Sets the tool calls, in place."""
        self._tool_calls = [_instance(call, LlmToolCall, "tool_calls") for call in tool_calls]

    def with_finish_reason(self, finish_reason: FinishReason) -> None:
        """Sets the finish reason, in place."""
        self._finish_reason = _instance(finish_reason, FinishReason, "finish_reason")

    def with_id(self, id: str) -> None:
        """Sets the id, in place."""
        self._id = _core.text_argument(id, "id")

    def with_metadata(self, key: str, value: str) -> None:
        """Sets one metadata entry to JSON text, in place. ValueError for text that is no JSON."""
        key = _core.text_argument(key, "key")
        self._metadata[key] = _compact_json(value, "value", "Invalid JSON value")

    def to_dict(self) -> dict[str, Any]:
        """content, model, id, tool_calls, usage, finish_reason and metadata, as plain dicts."""
        return {
            "content": self._content,
            "model": self._model,
            "id": self._id,
            "tool_calls": [call.to_dict() for call in self._tool_calls],
            "usage": self._usage.to_dict(),
            "finish_reason": str(self._finish_reason),
            "metadata": dict(self._metadata),
        }

    def __repr__(self) -> str:
        start = self._content[:50] + ("..." if len(self._content) > 50 else "")
        return (
            f"LlmResponse(content='{start}', model='{self._model}',"
            f" usage=LlmUsage(total={self._usage.total_tokens}),"
            f" finish_reason={self._finish_reason})"
        )


def _finish_reason(text: str) -> FinishReason:
    reason = object.__new__(FinishReason)
    reason._text = text
    return reason


def _u32(value: int, name: str) -> int:
    return _core.unsigned_argument(value, name, _U32_MAX)


def _optional_u32(value: int | None, name: str) -> int | None:
    return None if value is None else _u32(value, name)


def _sum_of_known(a: int | None, b: int | None) -> int | None:
    return None if a is None and b is None else min((a or 0) + (b or 0), _U32_MAX)


def _instance(value: Any, cls: type[Any], name: str) -> Any:
    if not isinstance(value, cls):
        raise TypeError(
            f"argument '{name}': '{type(value).__name__}' object cannot be converted to"
            f" '{cls.__name__}'"
        )
    return value


def _compact_json(text: str, name: str, complaint: str) -> str:
    import json

    text = _core.text_argument(text, name)
    try:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    except ValueError as problem:
        raise ValidationError(f"{complaint}: {problem}", field=name) from None


def _from_native(
    content: str,
    model: str,
    id: str | None,
    tool_calls: list[tuple[str, str, str]],
    usage: tuple[int, int, int, int | None, int | None],
    finish: str,
    call: tuple[str, str, int, float, float | None, bool],
) -> LlmResponse:
    """Built by the native module from what it has checked already."""
    response = LlmResponse(content, model)
    response._id = id
    for call_id, name, parameters in tool_calls:
        tool_call = object.__new__(LlmToolCall)
        tool_call._id, tool_call._name, tool_call._parameters = call_id, name, parameters
        response._tool_calls.append(tool_call)
    tokens = response._usage
    (
        tokens._prompt_tokens,
        tokens._completion_tokens,
        tokens._total_tokens,
        tokens._cache_read_tokens,
        tokens._cache_creation_tokens,
    ) = usage
    response._finish_reason = _finish_reason(finish)
    response.provider = call[0] or None
    response.request_id = call[1] or None
    response.attempts = call[2]
    response.latency_ms, response.cost, response.cached = call[3:]
    return response
