"""Structured output: answers of a model as checked values instead of text.

    class Invoice(pydantic.BaseModel):
        number: str
        total: float

    invoice = complete_json(client, "Read this invoice: ...", Invoice)

An :class:`OutputSchema` is made of a pydantic model, a dataclass or any other annotated type, or a JSON schema. It
gives the schema text for the prompt, checks an answer, and writes the prompt that asks again, with the path of what is
wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from typing import Any, Callable, Optional

from . import _core, tool_arguments, tool_schema
from .errors import ValidationError
from .json_schema import Fault, Schema, faults_of, path_text

__all__ = ["OutputSchema", "complete_json", "complete_json_async", "json_in"]

MAX_ATTEMPTS = 3
_SHOWN_CHARS_MAX = 2000
_FAULTS_SHOWN_MAX = 10
_JSON_STARTS_MAX = 20
_NAME_CHARS_MAX = 64


class OutputSchema:
    """What an answer must look like. Immutable; safe to use from several threads.

    `output` is a pydantic model, another annotated type (dataclass, TypedDict, ``list[int]``...), a JSON schema as dict
    or as JSON text, or an OutputSchema. Raises ValueError for what is no JSON schema.
    """

    __slots__ = ("_output_type", "name", "schema")

    name: str
    schema: Schema
    _output_type: Any

    def __init__(self, output: Any) -> None:
        if isinstance(output, OutputSchema):
            self._output_type, self.schema, self.name = output._output_type, output.schema, output.name
            return
        if isinstance(output, str):
            output = _parsed_schema(output)
        is_schema = isinstance(output, (dict, bool))
        self._output_type = None if is_schema else output
        self.schema = output if is_schema else tool_schema.json_schema_of_type(output)
        title = self.schema.get("title") if isinstance(self.schema, dict) else None
        self.name = _identifier(title or getattr(output, "__name__", None) or "output")
        try:
            faults_of(None, self.schema)
        except (ValueError, TypeError, AttributeError) as error:
            raise ValidationError(str(error), field="output_schema") from None

    def schema_text(self) -> str:
        """The schema as compact JSON."""
        return json.dumps(self.schema, ensure_ascii=False, separators=(",", ":"))

    def response_format(self, strict: bool = False) -> dict[str, Any]:
        """The ``response_format`` field of OpenAI's chat API, and of those who speak it."""
        return {"type": "json_schema", "json_schema": {"name": self.name, "schema": self.schema, "strict": strict}}

    def prompt(self, prompt: str) -> str:
        """`prompt` with the demand for JSON after it, for providers without a field for that."""
        return (
            f"{prompt}\n\nAnswer with one JSON value and nothing else: no explanation, no code fence. "
            f"It must be valid against this JSON schema:\n{self.schema_text()}"
        )

    def parse(self, answer: str) -> Any:
        """The value in a model's answer: an object of the type, or what JSON says for a plain schema.

        Raises ValueError naming the path of what is wrong, such as ``$.items[2].price``.
        """
        value = json_in(answer)
        faults = faults_of(value, self.schema)
        if faults:
            raise _invalid(faults)
        if self._output_type is None:
            return value
        return self._made(value)

    def ask_again(self, prompt: str, answer: str, error: Exception) -> str:
        """The prompt after a wrong answer: what was asked, what came, what is wrong with it."""
        shown = answer if len(answer) <= _SHOWN_CHARS_MAX else answer[:_SHOWN_CHARS_MAX] + "..."
        return (
            f"{self.prompt(prompt)}\n\nYour answer was:\n{shown}\n\nIt is not valid: {error}\n"
            "Answer again with the corrected JSON value and nothing else."
        )

    def _made(self, value: Any) -> Any:
        try:
            return tool_arguments.converted(self._output_type, value)
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            details = getattr(error, "errors", None)
            if callable(details):  # pydantic's own checks go further than its schema
                raise _invalid([Fault(path_text(item["loc"]), str(item["msg"])) for item in details()]) from None
            raise _invalid([Fault("$", str(error))]) from None


def complete_json(client: Any, prompt: str, output: Any, *, max_attempts: int = MAX_ATTEMPTS, **options: Any) -> Any:
    """Asks `client` (an LlmClient) and returns the checked value; asks again, up to `max_attempts` times in all, when
    an answer is not valid. `options` go to ``client.complete``.

    The schema goes out in the provider's own form where it has one, else in the prompt; so it does once a model has
    refused that form. Raises ValueError with the path of what is wrong in the last answer, and what
    ``client.complete`` raises.
    """
    attempt = _Attempts(client, OutputSchema(output), prompt, max_attempts, options)
    while True:
        try:
            answer = client.complete(attempt.prompt, **attempt.options)
        except ValidationError as error:
            if not attempt.goes_on_without_form(error):
                raise
            continue
        if attempt.takes(answer):
            return attempt.value


async def complete_json_async(
    client: Any, prompt: str, output: Any, *, max_attempts: int = MAX_ATTEMPTS, **options: Any
) -> Any:
    """As :func:`complete_json`, with ``client.complete_async``."""
    attempt = _Attempts(client, OutputSchema(output), prompt, max_attempts, options)
    ask: Callable[..., Awaitable[str]] = client.complete_async
    while True:
        try:
            answer = await ask(attempt.prompt, **attempt.options)
        except ValidationError as error:
            if not attempt.goes_on_without_form(error):
                raise
            continue
        if attempt.takes(answer):
            return attempt.value


class _Attempts:
    """The asking and asking again, without the asking itself."""

    def __init__(
        self, client: Any, schema: OutputSchema, prompt: str, max_attempts: int, options: dict[str, Any]
    ) -> None:
        if max_attempts < 1:
            raise ValidationError("max_attempts must be greater than 0", field="max_attempts", value=str(max_attempts))
        self._schema = schema
        self._asked = prompt
        self._left = max_attempts
        self._in_providers_form = _takes_schema(client) and isinstance(schema.schema, dict)
        self.value: Any = None
        self.prompt = prompt
        self.options = options
        if self._in_providers_form:
            self.options = {**options, "response_format": schema.schema}
        else:
            self.prompt = schema.prompt(prompt)

    def takes(self, answer: str) -> bool:
        """Whether the answer is valid; raises its fault once the attempts are used up."""
        self._left -= 1
        try:
            self.value = self._schema.parse(answer)
        except ValidationError as error:
            if self._left == 0:
                raise
            self.prompt = self._schema.ask_again(self._asked, answer, error)
            return False
        return True

    def goes_on_without_form(self, error: ValidationError) -> bool:
        """Whether to ask anew with the schema in the prompt: the provider refused the request with its own form."""
        if not self._in_providers_form or error.status not in (400, 422):
            return False
        self._in_providers_form = False
        self.options = {name: value for name, value in self.options.items() if name != "response_format"}
        self.prompt = self._schema.prompt(self._asked)
        return True


def _takes_schema(client: Any) -> bool:
    from .llm import LlmClient

    return isinstance(client, LlmClient) and _core.takes_json_schema(client._config.provider())


def json_in(answer: str) -> Any:
    """The JSON value in a model's answer, also inside a code fence or after some words. Raises ValueError if there is
    none."""
    text = answer.strip()
    fenced = re.search(r"```[a-zA-Z]*[ \t]*\n(.*?)\n?[ \t]*```", text, re.DOTALL)
    for candidate in (text, fenced.group(1).strip() if fenced else ""):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    decoder = json.JSONDecoder()
    for count, start in enumerate(re.finditer(r"[\[{]", text)):
        if count == _JSON_STARTS_MAX:
            break
        try:
            return decoder.raw_decode(text, start.start())[0]
        except (ValueError, RecursionError):
            continue
    raise _invalid([Fault("$", f"the answer is no JSON: {text[:200]!r}")])


def _parsed_schema(text: str) -> Any:
    try:
        schema = json.loads(text)
        if not isinstance(schema, (dict, bool)):
            raise ValueError(f"expected an object, not {type(schema).__name__}")
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"no JSON schema: {error}", field="output_schema") from None
    return schema


def _invalid(faults: list[Fault]) -> ValidationError:
    shown = "; ".join(str(fault) for fault in faults[:_FAULTS_SHOWN_MAX])
    more = f"; and {len(faults) - _FAULTS_SHOWN_MAX} more" if len(faults) > _FAULTS_SHOWN_MAX else ""
    return ValidationError(f"invalid structured output: {shown}{more}", field=faults[0].path)


def _identifier(name: Optional[str]) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name or "output")[:_NAME_CHARS_MAX]
