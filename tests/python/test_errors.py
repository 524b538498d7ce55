"""Errors: classes, fields, text, pickling (contract section 0.1, SEMANTICS section 1)."""

import asyncio
import pickle
import time

import pytest
from graphbit import LlmClient, LlmConfig, errors

SECRET = "sk-verysecret-0123456789"


@pytest.fixture
def failing(simulator, model):
    """Makes a client whose calls meet a scripted status."""

    def make(status, message="words of the provider", **rule):
        simulator.load_script(
            {"rules": [{"contains": "", "status": status, "error": {"message": message}, **rule}]}
        )
        return LlmClient(
            LlmConfig.openai(SECRET, model, base_url=f"{simulator.url}/v1", max_retries=0)
        )

    return make


@pytest.mark.parametrize(
    "status, kind, classes",
    [
        (400, "Validation", (ValueError, RuntimeError)),
        (404, "Validation", (ValueError, RuntimeError)),
        (422, "Validation", (ValueError, RuntimeError)),
        (401, "Authentication", (PermissionError, RuntimeError)),
        (403, "Authentication", (PermissionError, RuntimeError)),
        (402, "RateLimit", (RuntimeError,)),
        (429, "RateLimit", (RuntimeError,)),
        (408, "Timeout", (TimeoutError, asyncio.TimeoutError, RuntimeError)),
        (504, "Timeout", (TimeoutError, asyncio.TimeoutError, RuntimeError)),
        (413, "ResourceExhausted", (MemoryError, RuntimeError)),
        (500, "Network", (ConnectionError, RuntimeError)),
        (503, "Network", (ConnectionError, RuntimeError)),
    ],
)
class TestProviderErrors:
    def caught(self, client):
        with pytest.raises(Exception) as info:
            client.complete("x")
        return info.value

    def test_every_base_catches_it(self, failing, status, kind, classes):
        error = self.caught(failing(status))
        for cls in classes:
            assert isinstance(error, cls), cls
        assert error.kind == kind and error.status == status and error.attempts == 1

    def test_text_is_one_line_with_the_providers_words_and_no_key(
        self, failing, status, kind, classes
    ):
        error = self.caught(failing(status, f"two\nlines, and the key {SECRET}"))
        assert "lines" in str(error) and "\n" not in str(error)
        assert SECRET not in repr(error) + str(error) + str(error.__dict__)

    def test_it_pickles(self, failing, status, kind, classes):
        error = self.caught(failing(status))
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
        assert again.__dict__ == error.__dict__

    def test_the_async_call_raises_the_same(self, failing, status, kind, classes):
        client = failing(status)

        async def main():
            await client.complete_async("x")

        with pytest.raises(classes[0]) as info:
            asyncio.run(main())
        assert info.value.status == status


def test_refused_connection():
    client = LlmClient(LlmConfig.openai(base_url="http://127.0.0.1:9/v1", max_retries=1))
    with pytest.raises(ConnectionError) as info:
        client.complete("x")
    error = info.value
    assert isinstance(error, RuntimeError) and error.kind == "Network"
    assert error.attempts == 2 and error.retry_count == 1 and error.status is None


def test_own_deadline(client, simulator):
    simulator.configure(latency_ms=5_000)
    with pytest.raises(TimeoutError) as info:
        client.complete("x", timeout_s=0.05)
    assert info.value.kind == "Timeout" and info.value.operation
    assert "Timeout in '" in str(info.value)


def test_default_timeout_of_init(simulator):
    from test_module import run

    simulator.configure(latency_ms=5_000)
    out = run(
        "import graphbit\ngraphbit.init(default_timeout_s=0.05)\n"
        f"config = graphbit.LlmConfig.openai('k', 'm', base_url='{simulator.url}/v1')\n"
        "try: graphbit.LlmClient(config).complete('x')\n"
        "except TimeoutError as error: print(error.kind)"
    )
    assert out == "Timeout"


def test_retry_after_is_carried(failing):
    client = failing(429, headers={"Retry-After": "7"})
    with pytest.raises(RuntimeError) as info:
        client.complete("x", timeout_s=5)
    assert info.value.retry_after == 7.0


def test_open_breaker_rejects_at_once(simulator, model):
    simulator.load_script({"rules": [{"contains": "", "status": 500, "error": {"message": "no"}}]})
    client = LlmClient(simulator.llm_config(model, max_retries=0))
    for _ in range(40):
        with pytest.raises(ConnectionError) as info:
            client.complete("x")
        if "Circuit breaker is open" in str(info.value):
            break
    assert "Circuit breaker is open, request rejected" in str(info.value)
    assert isinstance(info.value, RuntimeError) and info.value.retry_after > 0
    stats = client.get_stats()
    assert stats["circuit_breaker_state"] == "Open" and stats["rejected_requests"] >= 1
    before = time.perf_counter()
    with pytest.raises(ConnectionError):
        client.complete("x")
    assert client.get_stats()["attempts"] == stats["attempts"]
    assert before


def test_validation_message_and_fields(client):
    with pytest.raises(ValueError) as info:
        client.complete("x", max_tokens=-5)
    assert str(info.value) == (
        "Validation error for field 'max_tokens' with value '-5':"
        " max_tokens must be greater than 0"
    )
    assert info.value.field == "max_tokens" and info.value.value == "-5"
    assert info.value.kind == "Validation" and info.value.status is None
    assert not isinstance(info.value, RuntimeError)


@pytest.mark.parametrize("cls", [c for c in vars(errors).values() if isinstance(c, type)])
def test_every_class_pickles(cls):
    if not issubclass(cls, errors.GraphBitError):
        return
    error = cls("words", provider="p", retry_after=1.5)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls and str(again) == "words" and again.retry_after == 1.5


def test_prompt_beyond_the_limit(client):
    with pytest.raises(MemoryError, match="prompt"):
        client.complete("x" * (16 * 1024 * 1024 + 1))
