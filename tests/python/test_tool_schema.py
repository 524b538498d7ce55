"""JSON schemas from annotations and docstrings (contract section 4, `tools=[callable, ...]`)."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import sys
import typing
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, Optional, Tuple, TypedDict, Union

import pytest
from graphbit.tool_arguments import call_tool, converted
from graphbit.tool_schema import described_parameters, json_schema_of_type, parameters_of, schema_of
from hypothesis import given
from hypothesis import strategies as st

jsonschema = pytest.importorskip("jsonschema")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    colour: Optional[Colour] = None


@dataclasses.dataclass
class Tree:
    value: int
    children: List[Tree] = dataclasses.field(default_factory=list)


class Movie(TypedDict):
    title: str
    year: int


class Pair(NamedTuple):
    left: int
    right: str


def documented(a: int, b: float = 2.0, c: bool = True, d: str = "x"):
    """Does a thing.

    Args:
        a (int): the first
        b: the second,
            on two lines
        c (bool, optional): the third
    Returns:
        int: nothing
    """


def test_name_description_and_parameters():
    schema = schema_of(documented)
    assert schema["name"] == "documented"
    assert schema["description"] == documented.__doc__
    assert schema["parameters"]["required"] == ["a"]
    properties = schema["parameters"]["properties"]
    assert properties["a"] == {"type": "integer", "description": "the first"}
    assert properties["b"] == {"type": "number", "description": "the second, on two lines", "default": 2.0}
    assert properties["c"] == {"type": "boolean", "description": "the third", "default": True}
    assert properties["d"] == {"type": "string", "description": "Parameter d", "default": "x"}


def test_without_docstring_and_annotations():
    def plain(x):
        return x

    assert schema_of(plain) == {
        "name": "plain",
        "description": "Tool function",
        "parameters": {
            "type": "object",
            "properties": {"x": {"type": "string", "description": "Parameter x"}},
            "required": ["x"],
        },
    }


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (str, {"type": "string"}),
        (list, {"type": "array"}),
        (dict, {"type": "object"}),
        (List[int], {"type": "array", "items": {"type": "integer"}}),
        (Dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Dict[str, Any], {"type": "object"}),
        (typing.Set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (Tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            Tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (typing.Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1, None], {"enum": ["a", 1, None]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (datetime.datetime, {"type": "string", "format": "date-time"}),
        (typing.NewType("UserId", int), {"type": "integer"}),
        (Any, {}),
        (
            Movie,
            {
                "type": "object",
                "properties": {"title": {"type": "string"}, "year": {"type": "integer"}},
                "required": ["title", "year"],
            },
        ),
        (
            Pair,
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
    ],
)
def test_types(annotation, expected):
    assert json_schema_of_type(annotation) == expected


def test_dataclass_is_written_in_place():
    assert json_schema_of_type(Point) == {
        "type": "object",
        "properties": {
            "x": {"type": "integer"},
            "y": {"type": "integer", "default": 0},
            "colour": {"anyOf": [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}]},
        },
        "required": ["x"],
    }


def test_recursive_dataclass_refers_to_itself():
    schema = json_schema_of_type(Tree)
    assert schema["$ref"] == "#/$defs/Tree"
    jsonschema.validate({"value": 1, "children": [{"value": 2, "children": []}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"value": 1, "children": [{"value": "2"}]}, schema)


def test_definitions_of_a_parameter_are_reachable_from_the_root():
    def plant(tree: Tree, spare: Tree): ...

    schema = parameters_of(plant)
    jsonschema.validate({"tree": {"value": 1}, "spare": {"value": 2}}, schema)
    assert list(schema["$defs"]) == ["Tree"]


def test_pydantic_model():
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        n: int

    class Outer(pydantic.BaseModel):
        inner: Inner
        note: str = pydantic.Field("x", description="a note")

    def take(outer):
        return outer

    take.__annotations__["outer"] = Outer
    schema = parameters_of(take)
    jsonschema.validate({"outer": {"inner": {"n": 1}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"outer": {"inner": {"n": "one"}}}, schema)
    assert call_tool(take, {"outer": {"inner": {"n": 3}}}) == Outer(inner=Inner(n=3))


def test_none_default_is_said_by_leaving_the_argument_out():
    def search(limit: Optional[int] = None, kind: Optional[str] = "any"): ...

    properties = parameters_of(search)["properties"]
    assert properties["limit"] == {"type": "integer", "description": "Parameter limit"}
    assert properties["kind"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert parameters_of(search)["required"] == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="X | Y needs Python 3.10")
def test_new_style_union():
    def f(a: int | None = None, b: int | str = 1): ...

    properties = parameters_of(f)["properties"]
    assert properties["a"]["type"] == "integer"
    assert properties["b"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("int", "integer"),
        ("Nowhere.float32", "number"),
        ("Missing[bool]", "boolean"),
        ("Dict[str, Missing]", "object"),
        ("List[Missing]", "array"),
        ("Missing", "string"),
    ],
)
def test_unknown_names_fall_back_to_their_text(text, kind):
    def f(a): ...

    f.__annotations__["a"] = text
    assert parameters_of(f)["properties"]["a"]["type"] == kind


def test_variadic_parameters_self_and_cls_are_left_out():
    class Service:
        def call(self, q: str, *args: int, **kwargs: int):
            """Calls."""

        @classmethod
        def make(cls, n: int): ...

    assert list(parameters_of(Service().call)["properties"]) == ["q"]
    assert list(parameters_of(Service.call)["properties"]) == ["q"]
    assert list(parameters_of(Service.make)["properties"]) == ["n"]


def test_partials_wrapped_functions_callable_objects_and_builtins():
    @functools.wraps(documented)
    def wrapper(*args, **kwargs): ...

    class Adder:
        """Adds."""

        def __call__(self, a: int, b: int): ...

    assert list(parameters_of(wrapper)["properties"]) == ["a", "b", "c", "d"]
    partial = schema_of(functools.partial(documented, b=1.0))
    assert partial["name"] == "documented"
    assert partial["parameters"]["properties"]["b"]["default"] == 1.0
    adder = schema_of(Adder())
    assert (adder["name"], adder["description"]) == ("Adder", "Adds.")
    assert adder["parameters"]["properties"]["a"]["type"] == "integer"
    assert schema_of(print)["name"] == "print"
    with pytest.raises(TypeError, match="must be callable"):
        schema_of(5)


def test_numpy_and_sphinx_docstrings():
    numpy_style = """Adds.

    Parameters
    ----------
    a : int
        the first
        number
    b, c : float, optional
        others

    Returns
    -------
    int
        the sum
    """
    assert described_parameters(numpy_style) == {"a": "the first number", "b": "others", "c": "others"}
    assert described_parameters(":param a: one\n:param int b: two") == {"a": "one", "b": "two"}


@pytest.mark.parametrize(
    ("annotation", "value", "made"),
    [
        (Colour, "blue", Colour.BLUE),
        (Point, {"x": 1, "colour": "red"}, Point(1, 0, Colour.RED)),
        (Tree, {"value": 1, "children": [{"value": 2}]}, Tree(1, [Tree(2)])),
        (List[Point], [{"x": 1}], [Point(1)]),
        (Dict[str, Point], {"a": {"x": 1}}, {"a": Point(1)}),
        (Optional[Point], {"x": 1}, Point(1)),
        (Optional[Point], None, None),
        (Union[int, Colour], "red", Colour.RED),
        (Union[str, datetime.date], "2026-01-02", "2026-01-02"),
        (datetime.date, "2026-01-02", datetime.date(2026, 1, 2)),
        (Tuple[int, ...], [1, 2], (1, 2)),
        (typing.Set[int], [1, 2], {1, 2}),
        (Pair, [1, "a"], Pair(1, "a")),
        (Movie, {"title": "x", "year": 1}, {"title": "x", "year": 1}),
        (int, "seven", "seven"),
        ("Unknown", {"a": 1}, {"a": 1}),
    ],
)
def test_arguments_become_what_the_annotation_says(annotation, value, made):
    assert converted(annotation, value) == made


def test_positional_only_and_wrong_values():
    def area(width: int, /, height: int = 2) -> int:
        return width * height

    def paint(colour: Colour) -> str:
        return colour.name

    assert call_tool(area, {"width": 3}) == 6
    assert call_tool(paint, {"colour": "red"}) == "RED"
    with pytest.raises(ValueError, match="none of"):
        call_tool(paint, {"colour": "green"})
    with pytest.raises(TypeError):
        call_tool(paint, {"shade": "red"})


SCALARS = {int: st.integers(), float: st.floats(allow_nan=False), bool: st.booleans(), str: st.text()}


def typed_values():
    """Pairs of a type and a JSON value of that type."""
    scalars = st.sampled_from(list(SCALARS)).flatmap(lambda kind: st.tuples(st.just(kind), SCALARS[kind]))

    def containers(children):
        return children.flatmap(
            lambda pair: st.sampled_from(
                [
                    (List[pair[0]], [pair[1]]),
                    (Dict[str, pair[0]], {"k": pair[1]}),
                    (Optional[pair[0]], pair[1]),
                    (Optional[pair[0]], None),
                    (Union[pair[0], Colour], pair[1]),
                ]
            )
        )

    return st.recursive(scalars, containers, max_leaves=4)


@given(typed_values())
def test_values_of_a_type_fit_its_schema_and_pass_unchanged(pair):
    annotation, value = pair
    jsonschema.validate(value, json_schema_of_type(annotation))
    assert converted(annotation, value) == value


@given(st.text())
def test_no_docstring_or_annotation_text_can_break_a_schema(text):
    def f(a): ...

    f.__doc__ = text
    f.__annotations__["a"] = text
    parameters = schema_of(f)["parameters"]
    jsonschema.Draft202012Validator.check_schema(parameters)
    assert "a" in parameters["properties"]
