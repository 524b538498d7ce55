"""The JSON schema of a Python callable, as a language model reads it.

``schema_of(function)`` gives ``{"name", "description", "parameters"}``. Types come from the annotations: the scalars,
``list``/``tuple``/``set``/``dict`` with their item types, ``Optional`` and ``Union``, ``Literal``, ``Enum``,
``TypedDict``, dataclasses, named tuples, and pydantic models where pydantic is installed. Descriptions come from the
docstring (Google, NumPy or Sphinx style) or from ``Annotated[T, "text"]``.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import pathlib
import re
import sys
import types
import typing
import uuid
from typing import Any, Callable, Optional, Union

Schema = dict[str, Any]

DEFAULT_DESCRIPTION = "Tool function"
TOOL_ATTRIBUTE = "__graphbit_tool__"

_SCALARS: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bytes: {"type": "string"},
    decimal.Decimal: {"type": "number"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    pathlib.PurePath: {"type": "string"},
    type(None): {"type": "null"},
}

_TEXT_RULES = (
    ("int", "integer"),
    ("float", "number"),
    ("bool", "boolean"),
    ("str", "string"),
    ("list", "array"),
    ("dict", "object"),
)


@dataclasses.dataclass(frozen=True)
class ToolDeclaration:
    """What ``@tool(...)`` was told about a function; kept on the function itself."""

    name: Optional[str] = None
    description: Optional[str] = None
    fallback_description: Optional[str] = None
    return_type: Optional[str] = None


def declaration_of(function: Callable[..., object]) -> ToolDeclaration:
    """What ``@tool`` noted on `function`; an empty declaration for an undecorated one."""
    noted = getattr(function, TOOL_ATTRIBUTE, None)
    return noted if isinstance(noted, ToolDeclaration) else ToolDeclaration()


def schema_of(function: Callable[..., object]) -> Schema:
    """Returns ``{"name": str, "description": str, "parameters": JSON schema}`` of a callable.

    Raises TypeError if `function` is not callable or has a parameter whose type no JSON value can stand for.
    """
    if not callable(function):
        raise TypeError(f"a tool must be callable, not '{type(function).__name__}'")
    return {"name": name_of(function), "description": description_of(function), "parameters": parameters_of(function)}


def name_of(function: Callable[..., object]) -> str:
    """The name a model calls the tool by."""
    declared = declaration_of(function).name
    if declared:
        return declared
    inner = _unwrap_partial(function)
    return str(getattr(inner, "__name__", type(inner).__name__))


def description_of(function: Callable[..., object]) -> str:
    """The text a model chooses the tool by: the declared one, else the docstring, else a fixed sentence."""
    declaration = declaration_of(function)
    if declaration.description and declaration.description.strip():
        return declaration.description
    text = _docstring(function)
    if text.strip():
        return text
    return declaration.fallback_description or DEFAULT_DESCRIPTION


def parameters_of(function: Callable[..., object]) -> Schema:
    """The JSON schema (an object) of the arguments of `function`. ``*args`` and ``**kwargs`` are left out."""
    builder = _SchemaBuilder()
    described = described_parameters(_docstring(function))
    properties: Schema = {}
    required: list[str] = []
    for name, parameter in named_parameters(function).items():
        annotation = annotation_of(function, parameter)
        has_default = parameter.default is not inspect.Parameter.empty
        schema = dict(builder.parameter(annotation, parameter.default))
        schema.setdefault("description", described.get(name, f"Parameter {name}"))
        if has_default:
            _add_default(schema, parameter.default)
        else:
            required.append(name)
        properties[name] = schema
    parameters: Schema = {"type": "object", "properties": properties, "required": required}
    if builder.definitions:
        parameters["$defs"] = builder.definitions
    return parameters


def json_schema_of_type(annotation: object) -> Schema:
    """The JSON schema of one type, with its own ``$defs`` where a type refers to itself."""
    builder = _SchemaBuilder()
    schema = dict(builder.of(annotation))
    if builder.definitions:
        schema["$defs"] = builder.definitions
    return schema


def named_parameters(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    """Parameters that a model can fill by name; empty for a built-in without a signature."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {}
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name not in ("self", "cls") and parameter.kind not in variadic
    }


def annotation_of(function: Callable[..., object], parameter: inspect.Parameter) -> object:
    """The type of a parameter, with text annotations resolved; the text itself if it names something unknown."""
    annotation: object = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return annotation
    return resolved(annotation, _namespace(inspect.unwrap(_unwrap_partial(function))))


def resolved(annotation: object, namespace: dict[str, Any]) -> object:
    """Resolves forward references in `annotation`; returns it as it is where that fails."""
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, namespace, include_extras=True)["it"]
    except Exception:  # any name or operator in the text may be unknown here; the text rule takes over
        return annotation


def described_parameters(docstring: str) -> dict[str, str]:
    """Parameter descriptions of a docstring in Google, NumPy or Sphinx style."""
    lines = inspect.cleandoc(docstring).splitlines()
    found: dict[str, str] = {}
    for index, line in enumerate(lines):
        title = line.strip()
        if title in ("Args:", "Arguments:", "Parameters:"):
            found.update(_google_section(lines[index + 1 :], _indent(line)))
        elif title == "Parameters" and index + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[index + 1]):
            found.update(_numpy_section(lines[index + 2 :]))
        else:
            match = re.match(r"\s*:param\s+(?:[^:]*\s)?(\w+):\s*(\S.*)$", line)
            if match:
                found[match.group(1)] = match.group(2).strip()
    return found


def _google_section(lines: list[str], title_indent: int) -> dict[str, str]:
    found: dict[str, str] = {}
    entry_indent, current = -1, ""
    for line in lines:
        if not line.strip():
            continue
        indent = _indent(line)
        if indent <= title_indent:
            break
        if entry_indent < 0:
            entry_indent = indent
        match = re.match(r"\s*\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$", line) if indent <= entry_indent else None
        if match:
            current = match.group(1)
            found[current] = match.group(2).strip()
        elif current:
            found[current] = f"{found[current]} {line.strip()}".strip()
    return {name: text for name, text in found.items() if text}


def _numpy_section(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    current: list[str] = []
    for index, line in enumerate(lines):
        if index + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[index + 1]):
            break
        match = re.match(r"(\w+(?:\s*,\s*\w+)*)\s*(?::.*)?$", line)
        if match:
            current = [name.strip() for name in match.group(1).split(",")]
        elif line.strip():
            for name in current:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _docstring(function: Callable[..., object]) -> str:
    text = getattr(_unwrap_partial(function), "__doc__", None)
    return text if isinstance(text, str) else ""


def _namespace(function: Any) -> dict[str, Any]:
    """Where the names in the annotations of a function, a class or a callable object are looked up."""
    if hasattr(function, "__globals__"):
        return typing.cast("dict[str, Any]", function.__globals__)
    owner = function if isinstance(function, type) else type(function)
    return vars(sys.modules.get(owner.__module__, types))


def _unwrap_partial(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _add_default(schema: Schema, default: object) -> None:
    if isinstance(default, enum.Enum):
        default = default.value
    if isinstance(default, (bool, int, float, str)):
        schema["default"] = default


def _type_by_text(text: str) -> Schema:
    lowered = text.lower()
    hits = [(lowered.find(word), rank) for rank, (word, _) in enumerate(_TEXT_RULES) if word in lowered]
    return {"type": _TEXT_RULES[min(hits)[1]][1] if hits else "string"}


def is_union(annotation: object) -> bool:
    """Whether a type is ``Union[...]``, ``Optional[...]`` or ``A | B``."""
    origin = typing.get_origin(annotation)
    return origin is Union or (sys.version_info >= (3, 10) and origin is types.UnionType)


def is_typed_dict(annotation: object) -> bool:
    """Whether a type was made by ``TypedDict``."""
    return isinstance(annotation, type) and issubclass(annotation, dict) and hasattr(annotation, "__total__")


def is_named_tuple(annotation: object) -> bool:
    """Whether a type was made by ``NamedTuple`` or ``namedtuple``."""
    return isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields")


def is_pydantic_model(annotation: object) -> bool:
    """Whether a type is a pydantic (2) model, told by its methods so that pydantic is never imported for it."""
    return isinstance(annotation, type) and hasattr(annotation, "model_json_schema")


def plain_type(annotation: object) -> object:
    """Strips ``Annotated``, ``NewType``, ``Required``, type aliases and type variables down to the type itself."""
    for _ in range(32):
        if hasattr(annotation, "__metadata__"):
            annotation = typing.get_args(annotation)[0]
        elif hasattr(annotation, "__supertype__"):
            annotation = getattr(annotation, "__supertype__")
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = getattr(annotation, "__value__")
        elif isinstance(annotation, typing.TypeVar):
            annotation = annotation.__bound__ or (
                Union[annotation.__constraints__] if annotation.__constraints__ else Any
            )
        elif getattr(typing.get_origin(annotation), "_name", None) in ("Required", "NotRequired", "Final", "ReadOnly"):
            annotation = typing.get_args(annotation)[0]
        else:
            break
    return annotation


def hints_of(cls: type) -> dict[str, Any]:
    """The field types of a class; text annotations that name something unknown stay text."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception:  # see resolved()
        return dict(getattr(cls, "__annotations__", {}))


class _SchemaBuilder:
    """Turns types into schemas. Types that contain themselves go to `definitions` and are referred to by ``$ref``;
    all others are written in place, since several providers do not follow references."""

    def __init__(self) -> None:
        self.definitions: Schema = {}
        self._open: dict[object, str] = {}
        self._recursive: dict[object, str] = {}

    def parameter(self, annotation: object, default: object) -> Schema:
        """The schema of a parameter. Beside a default of None, None is said by leaving the argument out."""
        if annotation is inspect.Parameter.empty or plain_type(annotation) in (Any, object):
            return {"type": "string", **_described(annotation)}
        if default is None and is_union(plain_type(annotation)):
            members = [m for m in typing.get_args(plain_type(annotation)) if m is not type(None)]
            if members:
                return {**self.of(Union[tuple(members)]), **_described(annotation)}
        return self.of(annotation)

    def of(self, annotation: object) -> Schema:
        described = _described(annotation)
        schema = self._undescribed(plain_type(annotation))
        return {**schema, **described} if described else schema

    def _undescribed(self, annotation: object) -> Schema:
        if annotation in (Any, object):
            return {}
        if annotation is None:
            return {"type": "null"}
        if isinstance(annotation, str):
            return _type_by_text(annotation)
        if isinstance(annotation, typing.ForwardRef):
            return _type_by_text(annotation.__forward_arg__)
        if is_union(annotation):
            return self._union(typing.get_args(annotation))
        origin = typing.get_origin(annotation)
        if origin is typing.Literal:
            return _enumeration([_json_constant(value) for value in typing.get_args(annotation)])
        if isinstance(origin, type):
            return self._generic(origin, typing.get_args(annotation))
        if isinstance(annotation, type):
            return self._class(annotation)
        return _type_by_text(str(annotation))

    def _union(self, members: tuple[object, ...]) -> Schema:
        schemas: list[Schema] = []
        for member in members:
            schema = self.of(member)
            if schema not in schemas:
                schemas.append(schema)
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _generic(self, origin: type, arguments: tuple[Any, ...]) -> Schema:
        if issubclass(origin, tuple):
            return self._tuple(arguments)
        if issubclass(origin, collections.abc.Mapping):
            schema: Schema = {"type": "object"}
            values = self.of(arguments[1]) if len(arguments) == 2 else {}
            if values:
                schema["additionalProperties"] = values
            return schema
        if issubclass(origin, collections.abc.Iterable) and not issubclass(origin, (str, bytes)):
            schema = {"type": "array"}
            items = self.of(arguments[0]) if arguments else {}
            if items:
                schema["items"] = items
            if issubclass(origin, collections.abc.Set):
                schema["uniqueItems"] = True
            return schema
        return self._class(origin)

    def _tuple(self, arguments: tuple[Any, ...]) -> Schema:
        if not arguments:
            return {"type": "array"}
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return self._generic(list, (arguments[0],))
        members = [] if arguments == ((),) else [self.of(argument) for argument in arguments]
        return {"type": "array", "prefixItems": members, "minItems": len(members), "maxItems": len(members)}

    def _class(self, cls: type) -> Schema:
        if issubclass(cls, enum.Enum):
            return _enumeration([_json_constant(member.value) for member in cls])
        if is_pydantic_model(cls):
            return self._pydantic(cls)
        if dataclasses.is_dataclass(cls):
            return self._object(cls, self._dataclass_fields)
        if is_typed_dict(cls):
            return self._object(cls, self._typed_dict_fields)
        if is_named_tuple(cls):
            hints = hints_of(cls)
            return self._tuple(tuple(hints.get(name, Any) for name in getattr(cls, "_fields")) or ((),))
        for base in cls.__mro__:
            if base in _SCALARS:
                return dict(_SCALARS[base])
        if issubclass(cls, (collections.abc.Mapping, collections.abc.Iterable)):
            return self._generic(cls, ())
        return {"type": "string"}

    def _object(self, cls: type, fields: Callable[[type], tuple[Schema, list[str]]]) -> Schema:
        if cls in self._open:
            self._recursive[cls] = self._open[cls]
        if cls in self._recursive:
            return {"$ref": f"#/$defs/{self._recursive[cls]}"}
        self._open[cls] = self._free_name(cls.__name__)
        properties, required = fields(cls)
        name = self._open.pop(cls)
        schema: Schema = {"type": "object", "properties": properties, "required": required}
        if cls not in self._recursive:
            return schema
        self.definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}

    def _free_name(self, wanted: str) -> str:
        taken = set(self.definitions) | set(self._open.values())
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        return name

    def _dataclass_fields(self, cls: type) -> tuple[Schema, list[str]]:
        hints = hints_of(cls)
        properties: Schema = {}
        required: list[str] = []
        for field in dataclasses.fields(cls):
            if not field.init:
                continue
            no_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            schema = dict(self.of(hints.get(field.name, field.type)))
            if no_default:
                required.append(field.name)
            else:
                _add_default(schema, field.default)
            properties[field.name] = schema
        return properties, required

    def _typed_dict_fields(self, cls: type) -> tuple[Schema, list[str]]:
        required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
        hints = hints_of(cls)
        return {name: self.of(hint) for name, hint in hints.items()}, [name for name in hints if name in required]

    def _pydantic(self, cls: Any) -> Schema:
        prefix = f"{self._free_name(cls.__name__)}."
        schema: Schema = cls.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
        for name, definition in schema.pop("$defs", {}).items():
            self.definitions[prefix + name] = definition
        return schema


def _described(annotation: object) -> Schema:
    for note in getattr(annotation, "__metadata__", ()):
        text = note if isinstance(note, str) else getattr(note, "description", None)
        if isinstance(text, str) and text:
            return {"description": text}
    return {}


def _json_constant(value: object) -> object:
    value = value.value if isinstance(value, enum.Enum) else value
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _enumeration(values: list[object]) -> Schema:
    kinds = {type(value) for value in values}
    schema: Schema = {"enum": values}
    if len(kinds) == 1:
        schema = {**_SCALARS.get(kinds.pop(), {}), **schema}
    return schema
