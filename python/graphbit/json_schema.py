"""A small JSON-schema validator for the keywords that models are given, where the ``jsonschema`` library is missing.

It knows type, enum, const, the bounds on numbers, texts, lists and objects, properties, required, additionalProperties,
items, prefixItems, pattern, anyOf, oneOf, allOf, not, and ``$ref`` within the schema. Other keywords say nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Union

Schema = Union[dict[str, Any], bool]

_DEPTH_MAX = 200
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Fault(NamedTuple):
    """One thing wrong with a value: where (``$.items[2].price``) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def faults_of(value: Any, schema: Schema) -> list[Fault]:
    """Everything that is wrong with `value`; uses the ``jsonschema`` library if that is installed. Raises ValueError if
    `schema` is no JSON schema."""
    try:
        import jsonschema
    except ImportError:
        return own_faults_of(value, schema)
    validator_class: Any = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        validator_class.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"no JSON schema: {error.message}") from None
    errors = sorted(
        validator_class(schema).iter_errors(value), key=lambda error: len(error.absolute_path), reverse=True
    )
    return [Fault(path_text(error.absolute_path), _shortened(error.message)) for error in errors]


def own_faults_of(value: object, schema: Schema) -> list[Fault]:
    """As :func:`faults_of`, without any library."""
    if not isinstance(schema, (dict, bool)):
        raise ValueError(f"no JSON schema: expected an object, not {type(schema).__name__}")
    return list(_Validator(schema).faults(value, schema, "$", 0))


def path_text(steps: Any) -> str:
    """Keys and indexes as one path: ``$.items[2]["the price"]``."""
    text = "$"
    for step in steps:
        text = _below(text, step)
    return text


def _below(path: str, step: object) -> str:
    if isinstance(step, int):
        return f"{path}[{step}]"
    if isinstance(step, str) and _IDENTIFIER.fullmatch(step):
        return f"{path}.{step}"
    return f"{path}[{json.dumps(step, ensure_ascii=False)}]"


def _shortened(message: str) -> str:
    return message if len(message) <= 300 else message[:300] + "..."


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _is_of(value: object, kind: str) -> bool:
    actual = _kind_of(value)
    if kind == "number":
        return actual in ("integer", "number")
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return actual == kind


def _same(a: object, b: object) -> bool:
    """Equality as JSON has it: 1 is 1.0, but true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return a == b


class _Validator:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def faults(self, value: object, schema: Schema, path: str, depth: int) -> Iterator[Fault]:
        if depth > _DEPTH_MAX:
            yield Fault(path, "nested too deep")
        elif schema is False:
            yield Fault(path, "no value is allowed here")
        elif isinstance(schema, dict):
            yield from self._keywords(value, schema, path, depth)
            if isinstance(value, dict):
                yield from self._object(value, schema, path, depth)
            elif isinstance(value, list):
                yield from self._array(value, schema, path, depth)
            elif isinstance(value, str):
                yield from _text(value, schema, path)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                yield from _number(value, schema, path)

    def _passes(self, value: object, schema: Schema, path: str, depth: int) -> bool:
        return next(self.faults(value, schema, path, depth + 1), None) is None

    def _keywords(self, value: object, schema: dict[str, Any], path: str, depth: int) -> Iterator[Fault]:
        if "$ref" in schema:
            yield from self.faults(value, self._referred(schema["$ref"]), path, depth + 1)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(_is_of(value, kind) for kind in kinds):
            yield Fault(path, f"{_shown(value)} is not of type {' or '.join(kinds)}")
        if "enum" in schema and not any(_same(value, allowed) for allowed in schema["enum"]):
            yield Fault(path, f"{_shown(value)} is not one of {_shown(schema['enum'])}")
        if "const" in schema and not _same(value, schema["const"]):
            yield Fault(path, f"{_shown(value)} is not {_shown(schema['const'])}")
        for part in schema.get("allOf", []):
            yield from self.faults(value, part, path, depth + 1)
        if "anyOf" in schema and not any(self._passes(value, part, path, depth) for part in schema["anyOf"]):
            yield Fault(path, f"{_shown(value)} fits none of the allowed forms")
        if "oneOf" in schema and sum(self._passes(value, part, path, depth) for part in schema["oneOf"]) != 1:
            yield Fault(path, f"{_shown(value)} does not fit exactly one of the allowed forms")
        if "not" in schema and self._passes(value, schema["not"], path, depth):
            yield Fault(path, f"{_shown(value)} has a form that is not allowed")

    def _object(self, value: dict[str, Any], schema: dict[str, Any], path: str, depth: int) -> Iterator[Fault]:
        properties = schema.get("properties", {})
        for key in schema.get("required", []):
            if key not in value:
                yield Fault(path, f"'{key}' is a required property")
        others = schema.get("additionalProperties", True)
        for key, item in value.items():
            if key in properties:
                yield from self.faults(item, properties[key], _below(path, key), depth + 1)
            elif others is False:
                yield Fault(path, f"the property '{key}' is not allowed")
            else:
                yield from self.faults(item, others, _below(path, key), depth + 1)
        yield from _size(len(value), schema, "Properties", "properties", path)

    def _array(self, value: list[Any], schema: dict[str, Any], path: str, depth: int) -> Iterator[Fault]:
        first = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        for index, item in enumerate(value):
            part = first[index] if index < len(first) else rest
            yield from self.faults(item, part, f"{path}[{index}]", depth + 1)
        if schema.get("uniqueItems") and any(_same(a, b) for i, a in enumerate(value) for b in value[:i]):
            yield Fault(path, "an item occurs twice")
        yield from _size(len(value), schema, "Items", "items", path)

    def _referred(self, reference: str) -> Schema:
        if not reference.startswith("#"):
            raise ValueError(f"no JSON schema: cannot follow the reference {reference}")
        found: Any = self._root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or step not in found:
                raise ValueError(f"no JSON schema: the reference {reference} leads nowhere")
            found = found[step]
        return found  # type: ignore[no-any-return]


def _text(value: str, schema: dict[str, Any], path: str) -> Iterator[Fault]:
    yield from _size(len(value), schema, "Length", "characters", path)
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield Fault(path, f"{_shown(value)} does not match {schema['pattern']}")


def _number(value: float, schema: dict[str, Any], path: str) -> Iterator[Fault]:
    if "minimum" in schema and value < schema["minimum"]:
        yield Fault(path, f"{value} is less than the minimum of {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        yield Fault(path, f"{value} is greater than the maximum of {schema['maximum']}")
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield Fault(path, f"{value} is not greater than {schema['exclusiveMinimum']}")
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield Fault(path, f"{value} is not less than {schema['exclusiveMaximum']}")
    step = schema.get("multipleOf")
    if step and abs(value / step - round(value / step)) > 1e-9:
        yield Fault(path, f"{value} is not a multiple of {step}")


def _size(size: int, schema: dict[str, Any], keyword: str, unit: str, path: str) -> Iterator[Fault]:
    if size < schema.get(f"min{keyword}", 0):
        yield Fault(path, f"has {size} {unit}, fewer than {schema[f'min{keyword}']}")
    if size > schema.get(f"max{keyword}", size):
        yield Fault(path, f"has {size} {unit}, more than {schema[f'max{keyword}']}")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:80] + "..."
