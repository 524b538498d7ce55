"""Structured output: schemas, checking, asking again."""

import asyncio
import dataclasses
import json
from typing import List, Optional

import pytest
from graphbit import LlmClient, LlmConfig, json_schema
from graphbit.structured_output import OutputSchema, complete_json, complete_json_async, json_in
from hypothesis import given
from hypothesis import strategies as st

ITEMS = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]},
        }
    },
    "required": ["items"],
}


class ScriptedClient:
    """Answers in a fixed order and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.prompts = []
        self.options = None

    def complete(self, prompt, **options):
        self.prompts.append(prompt)
        self.options = options
        return self.answers.pop(0)

    async def complete_async(self, prompt, **options):
        return self.complete(prompt, **options)


@dataclasses.dataclass
class Point:
    x: int
    tags: List[str]
    note: Optional[str] = None


class TestOutputSchema:
    def test_from_dict_text_and_type(self):
        assert OutputSchema(ITEMS).schema == OutputSchema(json.dumps(ITEMS)).schema == ITEMS
        point = OutputSchema(Point)
        assert point.name == "Point" and point.schema["required"] == ["x", "tags"]
        assert OutputSchema(point).parse('{"x":1,"tags":["a"]}') == Point(1, ["a"])
        assert OutputSchema(List[int]).parse("[1, 2]") == [1, 2]
        assert json.loads(point.schema_text()) == point.schema

    def test_pydantic(self):
        pydantic = pytest.importorskip("pydantic")

        class Invoice(pydantic.BaseModel):
            number: str
            totals: List[float]

            @pydantic.field_validator("number")
            @classmethod
            def starts_with_a_letter(cls, value):
                assert value[:1].isalpha(), "must start with a letter"
                return value

        schema = OutputSchema(Invoice)
        assert schema.parse('{"number":"A1","totals":[1]}') == Invoice(number="A1", totals=[1.0])
        with pytest.raises(ValueError, match=r"\$\.totals\[1\]: 'x' is not of type 'number'"):
            schema.parse('{"number":"A1","totals":[1,"x"]}')
        with pytest.raises(ValueError, match=r"\$\.number: .*must start with a letter"):
            schema.parse('{"number":"1","totals":[]}')

    def test_refused_schemas(self):
        for schema in ("{bad", '"text"', "[]", {"type": "thing"}):
            with pytest.raises(ValueError, match="no JSON schema"):
                OutputSchema(schema)

    def test_the_path_is_named(self):
        with pytest.raises(ValueError, match=r"\$\.items\[1\]\.price") as caught:
            OutputSchema(ITEMS).parse('{"items":[{"price":1},{"price":"two"}]}')
        assert caught.value.kind == "Validation" and caught.value.field == "$.items[1].price"

    def test_response_format(self):
        assert OutputSchema({"title": "My thing!"}).response_format()["json_schema"]["name"] == "My_thing_"
        assert OutputSchema(ITEMS).response_format(strict=True)["json_schema"]["strict"] is True


class TestJsonIn:
    @pytest.mark.parametrize(
        "answer",
        [
            '{"a": [1]}',
            ' \n{"a": [1]}\n',
            '```json\n{"a": [1]}\n```',
            'Here it is:\n```\n{"a": [1]}\n```\nDone.',
            'Sure [of it]: {"a": [1]} as asked',
        ],
    )
    def test_found(self, answer):
        assert json_in(answer) == {"a": [1]}

    @pytest.mark.parametrize("answer", ["", "no", "{", "[" * 100_000, "```json\n{\n```"])
    def test_missing(self, answer):
        with pytest.raises(ValueError, match="the answer is no JSON"):
            json_in(answer)

    @given(st.text())
    def test_any_text(self, text):
        try:
            json_in(text)
        except ValueError as error:
            assert "the answer is no JSON" in str(error)


class TestCompleteJson:
    def test_first_answer(self):
        client = ScriptedClient('{"x":1,"tags":[]}')
        assert complete_json(client, "Where?", Point, temperature=0.0) == Point(1, [])
        assert client.prompts[0].startswith("Where?") and '"required":["x","tags"]' in client.prompts[0]
        assert client.options == {"temperature": 0.0}

    def test_asks_again_with_the_fault(self):
        client = ScriptedClient("hm", '{"x":"one","tags":[]}', '{"x":1,"tags":[]}')
        assert complete_json(client, "Where?", Point) == Point(1, [])
        assert "Your answer was:\nhm" in client.prompts[1] and "no JSON" in client.prompts[1]
        assert "$.x" in client.prompts[2]

    def test_gives_up(self):
        client = ScriptedClient("a", "b", "c")
        with pytest.raises(ValueError, match="'b'"):
            complete_json(client, "Where?", Point, max_attempts=2)
        assert len(client.prompts) == 2
        with pytest.raises(ValueError, match="max_attempts must be greater than 0"):
            complete_json(client, "Where?", Point, max_attempts=0)

    def test_async(self):
        client = ScriptedClient("hm", "[1]")
        assert asyncio.run(complete_json_async(client, "Which?", List[int])) == [1]


class TestProvidersForm:
    """With an LlmClient the schema goes out in the provider's own form."""

    def test_the_prompt_stays_as_it_is(self, client, simulator):
        simulator.load_script({"rules": [{"matches": "^Where[?]$", "json": {"x": 1, "tags": []}}]})
        assert client.complete_json("Where?", Point) == Point(1, [])
        assert asyncio.run(client.complete_json_async("Where?", Point)) == Point(1, [])

    def test_the_simulator_answers_in_the_form(self, client):
        assert isinstance(client.complete_json("Where?", Point), Point)

    def test_a_refused_form_is_left_out(self, client, simulator):
        rules = [
            {"contains": "JSON schema", "json": {"x": 1, "tags": []}},
            {"status": 400, "error": {"message": "response_format is not supported"}},
        ]
        simulator.load_script({"rules": rules})
        assert client.complete_json("Where?", Point) == Point(1, [])
        assert asyncio.run(client.complete_json_async("Where?", Point)) == Point(1, [])

    def test_other_refusals_are_raised(self, client, simulator):
        simulator.load_script({"rules": [{"status": 400, "error": {"message": "too long"}}]})
        with pytest.raises(ValueError, match="too long"):
            client.complete_json("Where?", Point)
        assert simulator.counters()["requests"] == 2

    def test_providers_without_a_form_are_asked_in_words(self, simulator):
        simulator.load_script({"rules": [{"contains": "JSON schema", "json": {"x": 1, "tags": []}}]})
        config = LlmConfig.deepseek("sim-key", "m", base_url=f"{simulator.url}/v1")
        assert LlmClient(config).complete_json("Where?", Point) == Point(1, [])


CASES = [
    ({"type": "integer"}, [1, 2.0], [1.5, True, "1", None]),
    ({"type": ["string", "null"]}, ["a", None], [1]),
    ({"enum": [1, "a", None]}, [1, 1.0, "a", None], [True, "b"]),
    ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [True]}, {}]),
    ({"minimum": 1, "maximum": 3}, [1, 3, "x"], [0, 4]),
    ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [2], [1, 3]),
    ({"multipleOf": 0.5}, [1.5, 2], [0.7]),
    ({"minLength": 2, "maxLength": 3, "pattern": "^a"}, ["ab", 5], ["a", "abcd", "bb"]),
    ({"minItems": 1, "maxItems": 2, "uniqueItems": True}, [[1], [1, True]], [[], [1, 2, 3], [1, 1.0]]),
    ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [[1, "a"], []], [["a"], [1, 2]]),
    ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, [{"a": 1, "b": 2}, 5], [{}, {"a": "x"}]),
    ({"properties": {"a": {}}, "additionalProperties": False}, [{"a": 1}], [{"b": 1}]),
    ({"additionalProperties": {"type": "integer"}, "minProperties": 1}, [{"a": 1}], [{}, {"a": "x"}]),
    ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, [1, "a"], [None]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5], [3, 1.5]),
    ({"allOf": [{"type": "integer"}, {"minimum": 2}]}, [2], [1, 2.5]),
    ({"not": {"type": "integer"}}, ["a"], [1]),
    (
        {"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}},
        [[], [[], [[]]]],
        [1, [[1]]],
    ),
    (True, [1], []),
    (False, [], [1]),
]


@pytest.mark.parametrize(("schema", "good", "bad"), CASES)
@pytest.mark.parametrize("check", [json_schema.own_faults_of, json_schema.faults_of])
def test_validators_agree(schema, good, bad, check):
    for value in good:
        assert check(value, schema) == []
    for value in bad:
        assert check(value, schema) != [], value


def test_own_validator_names_paths():
    faults = json_schema.own_faults_of({"items": [{"price": 1}, {"price": "two"}, {}]}, ITEMS)
    assert [str(fault) for fault in faults] == [
        '$.items[1].price: "two" is not of type number',
        "$.items[2]: 'price' is a required property",
    ]
    assert json_schema.path_text(["a b", 0, "c"]) == '$["a b"][0].c'
    for reference in ("https://example.org/x", "#/$defs/none"):
        with pytest.raises(ValueError, match="no JSON schema"):
            json_schema.own_faults_of(1, {"$ref": reference})
    assert json_schema.own_faults_of(1, {"$ref": "#"})[0].message == "nested too deep"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


@given(value=JSON, case=st.sampled_from(CASES))
def test_validators_agree_on_any_value(value, case):
    pytest.importorskip("jsonschema")
    schema = case[0]
    assert bool(json_schema.own_faults_of(value, schema)) == bool(json_schema.faults_of(value, schema))
