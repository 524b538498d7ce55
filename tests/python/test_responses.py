"""LlmResponse, LlmUsage, FinishReason, LlmToolCall (contract sections 3.1 to 3.4)."""

import json
import pickle

import pytest
from graphbit import FinishReason, LlmResponse, LlmToolCall, LlmUsage


class TestUsage:
    def test_numbers(self):
        usage = LlmUsage(7, 9)
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 9, 16)
        assert usage.cache_read_tokens is None and usage.cache_creation_tokens is None
        assert LlmUsage.empty().total_tokens == 0

    def test_repr(self):
        text = "LlmUsage(prompt_tokens=7, completion_tokens=9, total_tokens=16)"
        assert repr(LlmUsage(7, 9)) == str(LlmUsage(7, 9)) == text
        cached = LlmUsage.from_dict({**LlmUsage(1, 1).to_dict(), "cache_read_tokens": 5})
        assert "cache_read_tokens=5" in repr(cached)

    def test_dict_round_trip(self):
        usage = LlmUsage.from_dict({"prompt_tokens": 1, "completion_tokens": 2})
        assert LlmUsage.from_dict(usage.to_dict()) == usage
        assert set(usage.to_dict()) == {
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "cache_read_tokens",
            "cache_creation_tokens",
        }
        with pytest.raises(KeyError, match="Missing 'prompt_tokens'"):
            LlmUsage.from_dict({"completion_tokens": 1})
        with pytest.raises(KeyError, match="Missing 'completion_tokens'"):
            LlmUsage.from_dict({"prompt_tokens": 1})

    def test_sums(self):
        total = LlmUsage(1, 2) + LlmUsage(3, 4)
        assert (total.prompt_tokens, total.completion_tokens) == (4, 6)
        same = total
        total += LlmUsage(1, 1)
        assert total is same and total.total_tokens == 12
        total.add(LlmUsage(1, 0))
        assert total.prompt_tokens == 6
        with pytest.raises(TypeError):
            LlmUsage(1, 1) + 5

    @pytest.mark.parametrize("bad, error", [(-1, OverflowError), (2**32, OverflowError), ("1", TypeError)])
    def test_types(self, bad, error):
        with pytest.raises(error):
            LlmUsage(bad, 0)
        with pytest.raises(error):
            LlmUsage(0, bad)

    def test_read_only(self):
        with pytest.raises(AttributeError):
            LlmUsage(1, 1).prompt_tokens = 5


class TestFinishReason:
    @pytest.mark.parametrize("name", ["stop", "length", "tool_calls", "content_filter", "error"])
    def test_makers(self, name):
        reason = getattr(FinishReason, name)()
        assert str(reason) == reason.to_string() == name
        assert repr(reason) == f"FinishReason({name})"
        assert reason.is_natural_stop() == (name in ("stop", "tool_calls"))
        assert reason.is_truncated() == (name == "length")
        assert reason.is_error() == (name in ("error", "content_filter"))
        assert pickle.loads(pickle.dumps(reason)) == reason

    def test_other(self):
        assert str(FinishReason.other("tool_use")) == "tool_use"
        assert FinishReason.other("a") != FinishReason.other("b")
        with pytest.raises(TypeError):
            FinishReason.other(5)

    def test_no_constructor(self):
        with pytest.raises(TypeError, match="No constructor defined for FinishReason"):
            FinishReason()


class TestToolCall:
    def test_fields(self):
        call = LlmToolCall("1", "add", '{ "a": 1,\n "b": [2] }')
        assert (call.id, call.name, call.parameters) == ("1", "add", '{"a":1,"b":[2]}')
        assert call.to_dict() == {"id": "1", "name": "add", "parameters": '{"a":1,"b":[2]}'}

    def test_bad_json(self):
        with pytest.raises(ValueError, match="Invalid JSON parameters: "):
            LlmToolCall("1", "add", "{")


class TestResponse:
    def test_fresh(self):
        response = LlmResponse("text", "m")
        assert (response.content, response.model, response.id) == ("text", "m", None)
        assert response.tool_calls == [] and response.metadata == {}
        assert str(response.finish_reason) == "stop" and response.total_tokens() == 0
        assert not response.has_tool_calls() and not response.is_truncated()

    def test_builders_work_in_place(self):
        response = LlmResponse("text", "m")
        assert response.with_usage(LlmUsage(1, 2)) is None
        assert response.with_tool_calls([LlmToolCall("1", "f", "{}")]) is None
        assert response.with_finish_reason(FinishReason.length()) is None
        assert response.with_id("id-1") is None
        assert response.with_metadata("key", "[1, 2]") is None
        assert response.total_tokens() == 3 and response.has_tool_calls()
        assert response.is_truncated() and response.id == "id-1"
        assert json.loads(response.metadata["key"]) == [1, 2]
        with pytest.raises(ValueError, match="Invalid JSON value: "):
            response.with_metadata("key", "nope")

    @pytest.mark.parametrize("method", ["with_usage", "with_finish_reason", "with_id"])
    def test_builders_refuse_other_types(self, method):
        with pytest.raises(TypeError):
            getattr(LlmResponse("t", "m"), method)(object())

    def test_to_dict(self):
        response = LlmResponse("text", "m")
        response.with_tool_calls([LlmToolCall("1", "f", "{}")])
        assert response.to_dict() == {
            "content": "text",
            "model": "m",
            "id": None,
            "tool_calls": [{"id": "1", "name": "f", "parameters": "{}"}],
            "usage": LlmUsage.empty().to_dict(),
            "finish_reason": "stop",
            "metadata": {},
        }

    def test_repr(self):
        response = LlmResponse("x" * 60, "m")
        assert repr(response) == (
            f"LlmResponse(content='{'x' * 50}...', model='m', usage=LlmUsage(total=0),"
            " finish_reason=stop)"
        )

    def test_pickles(self):
        response = LlmResponse("text", "m")
        assert pickle.loads(pickle.dumps(response)).to_dict() == response.to_dict()
