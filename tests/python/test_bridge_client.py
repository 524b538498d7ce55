"""Models asked through a Python library: LlmConfig.litellm (contract sections 2 and 14)."""

import asyncio
import pickle
import sys
import types

import pytest
from graphbit import EmbeddingClient, EmbeddingConfig, Executor, LlmClient, LlmConfig, Node, Workflow


@pytest.fixture
def library(monkeypatch):
    """A stand-in for the litellm library that repeats what it is told."""
    calls = []

    def completion(model, messages, **options):
        calls.append((model, messages, options))
        if "fail" in messages[-1]["content"]:
            raise OSError("library says no")
        message = types.SimpleNamespace(content=f"echo {messages[-1]['content']}")
        choice = types.SimpleNamespace(message=message, finish_reason="stop")
        usage = types.SimpleNamespace(prompt_tokens=3, completion_tokens=4)
        return types.SimpleNamespace(choices=[choice], usage=usage)

    def embedding(model, input, **options):
        calls.append((model, input, options))
        if "fail" in input:
            raise OSError("library says no")
        vectors = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(input)]
        return types.SimpleNamespace(data=vectors)

    fake = types.ModuleType("litellm")
    fake.embedding = embedding
    fake.completion = completion
    monkeypatch.setitem(sys.modules, "litellm", fake)
    return calls


@pytest.fixture
def client(library):
    return LlmClient(LlmConfig.litellm("key-12345", "some/model"))


def run(method, *args, **kwargs):
    async def main():
        return await method(*args, **kwargs)

    return asyncio.run(main())


def test_configuration(library):
    config = LlmConfig.litellm(model="m")
    assert (config.provider(), config.model()) == ("python_bridge", "m")
    assert LlmConfig.litellm().model() == "gpt-3.5-turbo"
    assert config.cleanup() is True and config.cleanup() is False
    with pytest.raises(ValueError, match="LiteLLM API key too short"):
        LlmConfig.litellm("short")
    with pytest.raises(ValueError, match="LiteLLM API key cannot be empty"):
        LlmConfig.litellm("")


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ImportError, match="litellm"):
        LlmConfig.litellm()


def test_calls(client, library):
    assert client.complete("hi", 5, 0.5) == "echo hi"
    model, messages, options = library[0]
    assert model == "some/model" and messages == [{"role": "user", "content": "hi"}]
    assert options["max_tokens"] == 5 and options["temperature"] == 0.5
    response = client.complete_full("hi")
    assert response.usage.total_tokens == 7 and response.content == "echo hi"
    assert run(client.complete_async, "a") == "echo a"
    assert run(client.complete_full_async, "a").content == "echo a"
    assert run(client.chat_optimized, [("system", "s"), ("user", "b")]) == "echo b"
    assert list(client.stream("c")) == ["echo c"]
    assert run(lambda: client.stream("c")._whole_text()) == "echo c"


def test_batch(client):
    assert run(client.complete_batch, ["a", "", "fail", "b"]) == [
        "echo a",
        "",
        "Error: LLM provider error: LiteLLM - library says no",
        "echo b",
    ]
    assert run(client.complete_batch, (f"p{i}" for i in range(40)))[39] == "echo p39"


def test_errors_and_statistics(client):
    with pytest.raises(RuntimeError, match="library says no"):
        client.complete("fail")
    client.complete("hi")
    stats = client.get_stats()
    assert (stats["total_requests"], stats["failed_requests"]) == (2, 1)
    with pytest.raises(ValueError, match="Prompt cannot be empty"):
        client.complete("")
    with pytest.raises(TypeError):
        client.complete(5)


def test_workflows(library):
    flow = Workflow("w")
    flow.add_node(Node.agent("a", "hello"))
    result = Executor(LlmConfig.litellm("key-12345", "m")).execute(flow)
    assert result.get_node_output("a") == "echo hello"


def test_embeddings(library):
    config = EmbeddingConfig.litellm("key-12345", "some/embedding")
    assert (config.provider(), config.model()) == ("python_bridge", "some/embedding")
    assert EmbeddingConfig.litellm().model() == "text-embedding-3-small"
    client = EmbeddingClient(config)
    assert client.embed("abc", timeout_s=5) == [3.0, 1.0]
    assert library[-1] == ("some/embedding", ["abc"], {"api_key": "key-12345", "timeout": 5})
    assert client.embed_many(["a", "bc"]) == [[1.0, 1.0], [2.0, 1.0]]
    assert run(client.embed_text, "abc") == [3.0, 1.0]
    assert run(client.embed_batch, ["a", "bc"]) == [[1.0, 1.0], [2.0, 1.0]]
    assert run(client.embed_batch_array, ["a", "bc"]).tolist() == [[1.0, 1.0], [2.0, 1.0]]
    document = run(client.embed_document, "abc", {"page": 1})
    assert list(document) == [3.0, 1.0] and document.metadata == {"page": 1}
    parallel = client.embed_batch_parallel([["a"], ["fail"]])
    assert parallel["embeddings"] == [[[1.0, 1.0]], []] and "library says no" in parallel["errors"][0]
    with pytest.raises(RuntimeError, match="library says no"):
        client.embed("fail")
    with pytest.raises(TypeError, match="unexpected keyword argument 'top_k'"):
        client.embed("x", top_k=1)
    with pytest.raises(ValueError, match="LiteLLM API key too short"):
        EmbeddingConfig.litellm("short")
    with pytest.raises(ValueError, match="LiteLLM API key cannot be empty"):
        EmbeddingConfig.litellm("")


def test_pickled_configurations_ask_the_environment_for_their_key(library):
    config = pickle.loads(pickle.dumps(LlmConfig.litellm("key-12345", "m")))
    assert LlmClient(config).complete("hi") == "echo hi"
    assert "api_key" not in library[-1][2]
    embeddings = pickle.loads(pickle.dumps(EmbeddingConfig.litellm("key-12345", "e")))
    assert EmbeddingClient(embeddings).embed("abc") == [3.0, 1.0]
    assert b"key-12345" not in pickle.dumps(LlmConfig.litellm("key-12345", "m"))
