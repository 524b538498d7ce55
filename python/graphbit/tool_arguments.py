"""From a model's JSON arguments to the values that a tool's annotations promise.

A schema that offers a dataclass, an enum or a date would be a lie if the tool then received a plain ``dict`` or
``str``; ``bind_arguments`` makes the promised objects. Values that already fit, and annotations that are unknown, pass
as they are.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import pathlib
import typing
import uuid
from typing import Any, Callable

from . import tool_schema

_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    decimal.Decimal: decimal.Decimal,
    datetime.datetime: lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
    datetime.date: datetime.date.fromisoformat,
    datetime.time: datetime.time.fromisoformat,
    uuid.UUID: uuid.UUID,
    bytes: lambda text: text.encode("utf-8"),
}


def call_tool(function: Callable[..., object], arguments: dict[str, Any]) -> object:
    """Calls `function` with a model's arguments, given by name, converted to the annotated types.

    Raises what the function raises, TypeError for missing or unknown arguments, ValueError for a value that does not
    fit its annotation.
    """
    positional, named = bind_arguments(function, arguments)
    return function(*positional, **named)


def bind_arguments(function: Callable[..., object], arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Returns the positional and named arguments to call `function` with."""
    positional: list[Any] = []
    named = dict(arguments)
    for name, parameter in tool_schema.named_parameters(function).items():
        if name not in named:
            continue
        value = named.pop(name)
        annotation = tool_schema.annotation_of(function, parameter)
        if annotation is not inspect.Parameter.empty and value is not parameter.default:
            try:
                value = converted(annotation, value)
            except (KeyError, ArithmeticError, AttributeError) as error:
                raise ValueError(f"argument '{name}' does not fit its type: {error}") from error
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[name] = value
    return positional, named


def converted(annotation: object, value: Any) -> Any:
    """Makes of a JSON value what `annotation` names; raises ValueError or TypeError where that cannot be."""
    annotation = tool_schema.plain_type(annotation)
    if annotation is None or annotation is Any or isinstance(annotation, (str, typing.ForwardRef)):
        return value
    if tool_schema.is_union(annotation):
        return _any_of(typing.get_args(annotation), value)
    origin = typing.get_origin(annotation)
    if isinstance(origin, type):
        return _container(origin, typing.get_args(annotation), value)
    if isinstance(annotation, type):
        return _object(annotation, value)
    return value


def _any_of(members: tuple[object, ...], value: Any) -> Any:
    plain = [tool_schema.plain_type(member) for member in members]
    if any(isinstance(member, type) and type(value) is member for member in plain):
        return value
    for member in plain:
        try:
            made = converted(member, value)
        except (TypeError, ValueError, KeyError, ArithmeticError):
            continue
        if made is not value:
            return made
    return value


def _container(origin: type, arguments: tuple[Any, ...], value: Any) -> Any:
    if isinstance(value, dict) and issubclass(origin, collections.abc.Mapping) and len(arguments) == 2:
        return {converted(arguments[0], key): converted(arguments[1], item) for key, item in value.items()}
    if not isinstance(value, list) or not issubclass(origin, collections.abc.Iterable):
        return value
    if issubclass(origin, tuple):
        repeated = len(arguments) == 2 and arguments[1] is Ellipsis
        types = [arguments[0]] * len(value) if repeated else list(arguments) + [Any] * len(value)
        return tuple(converted(kind, item) for kind, item in zip(types, value))
    items = [converted(arguments[0], item) for item in value] if arguments else value
    if issubclass(origin, collections.abc.Set):
        return frozenset(items) if issubclass(origin, frozenset) else set(items)
    return items


def _object(cls: type[Any], value: Any) -> Any:
    if tool_schema.is_typed_dict(cls):
        hints = tool_schema.hints_of(cls)
        return {k: converted(hints.get(k, Any), v) for k, v in value.items()} if isinstance(value, dict) else value
    if isinstance(value, cls):
        return value
    if issubclass(cls, enum.Enum):
        return _enum_member(cls, value)
    if tool_schema.is_pydantic_model(cls):
        return getattr(cls, "model_validate")(value)
    if dataclasses.is_dataclass(cls) and isinstance(value, dict):
        hints = tool_schema.hints_of(cls)
        return cls(**{name: converted(hints.get(name, Any), item) for name, item in value.items()})
    if tool_schema.is_named_tuple(cls) and isinstance(value, list):
        hints = tool_schema.hints_of(cls)
        names = getattr(cls, "_fields")
        return cls(*(converted(hints.get(name, Any), item) for name, item in zip(names, value)))
    if isinstance(value, str):
        if issubclass(cls, pathlib.PurePath):
            return cls(value)
        return _FROM_TEXT[cls](value) if cls in _FROM_TEXT else value
    if cls is decimal.Decimal and isinstance(value, (int, float)):
        return decimal.Decimal(str(value))
    if isinstance(value, list) and cls in (tuple, set, frozenset):
        return cls(value)
    return value


def _enum_member(cls: Any, value: Any) -> Any:
    for member in cls:
        if member.value == value or str(member.value) == value:
            return member
    if isinstance(value, str) and value in cls.__members__:
        return cls[value]
    raise ValueError(f"{value!r} is none of {[member.value for member in cls]}")
