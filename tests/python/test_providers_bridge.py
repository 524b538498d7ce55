"""``graphbit.providers`` (contract section 14), with stand-ins for the libraries behind it."""

import asyncio
import sys
import types

import pytest

MESSAGES = [{"role": "user", "content": "hi"}]


def answer(text):
    message = types.SimpleNamespace(content=text)
    return types.SimpleNamespace(choices=[types.SimpleNamespace(message=message, finish_reason="stop")], usage=None)


class FakeInferenceClient:
    """What is used of ``huggingface_hub.InferenceClient``, with its parameter names."""

    def __init__(self, model=None, *, token=None, timeout=None):
        self.token = token

    def chat_completion(self, messages, *, model=None, max_tokens=None, temperature=None, top_p=None):
        return answer(f"{model}: {messages[0]['content']} {max_tokens} {temperature} {top_p}")

    def feature_extraction(self, text, *, model=None):
        return {"flat": [1, 2.5], "nested": [[1.0, 2.0]], "tokens": [[1.0, 2.0], [3.0, 4.0]]}[text]

    def sentence_similarity(self, sentence, other_sentences, *, model=None):
        return [float(sentence == other) for other in other_sentences]

    def text_to_image(self, prompt, *, model=None, width=None):
        return (prompt, model, width)


@pytest.fixture
def huggingface(monkeypatch):
    library = types.ModuleType("huggingface_hub")
    library.InferenceClient = FakeInferenceClient
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    from graphbit.providers import Huggingface

    return Huggingface("hf_secret_token")


@pytest.fixture
def litellm(monkeypatch):
    library = types.ModuleType("litellm")
    library.calls = []

    def completion(**options):
        library.calls.append(options)
        return answer(None if options["model"] == "mute" else "hello")

    def embedding(**options):
        library.calls.append(options)
        data = [{"index": i, "embedding": [float(len(text)), 0.5]} for i, text in enumerate(options["input"])]
        return types.SimpleNamespace(data=data[::-1])

    async def aembedding(**options):
        return embedding(**options)

    library.completion, library.embedding, library.aembedding = completion, embedding, aembedding
    monkeypatch.setitem(sys.modules, "litellm", library)
    return library


class TestHuggingface:
    def test_chat(self, huggingface):
        response = huggingface.llm.chat("m", messages=MESSAGES, max_tokens=5, temperature=0.5, top_p=1.0)
        assert huggingface.llm.get_output_content(response) == "m: hi 5 0.5 1.0"
        assert huggingface.llm.get_output_content(answer(None)) == ""

    def test_embeddings(self, huggingface):
        assert huggingface.embeddings.embed("m", "flat") == [1.0, 2.5]
        assert huggingface.embeddings.embed("m", "nested") == [1.0, 2.0]
        assert huggingface.embeddings.embed("m", "tokens") == [2.0, 3.0]
        assert huggingface.embeddings.embed_many("m", ["flat", "nested"]) == [[1.0, 2.5], [1.0, 2.0]]
        assert huggingface.embeddings.similarity("m", "a", ["a", "b"]) == [1.0, 0.0]

    def test_numpy_answers(self, huggingface, monkeypatch):
        numpy = pytest.importorskip("numpy")
        monkeypatch.setattr(FakeInferenceClient, "feature_extraction", lambda *_, **__: numpy.array([[0.5, 1.0]]))
        assert huggingface.embeddings.embed("m", "x") == [0.5, 1.0]

    def test_images(self, huggingface):
        assert huggingface.inference.generate_image("m", "a cat", width=8) == ("a cat", "m", 8)

    def test_the_token_is_not_shown(self, huggingface):
        assert "secret" not in repr(huggingface) + repr(huggingface.llm) + repr(vars(huggingface.llm))


class TestLitellm:
    def test_chat(self, litellm):
        from graphbit.providers import Litellm

        client = Litellm("key", api_base="http://x")
        assert client.llm.get_output_content(client.llm.chat("m", MESSAGES, max_tokens=5)) == "hello"
        assert litellm.calls == [
            {"model": "m", "messages": MESSAGES, "api_key": "key", "api_base": "http://x", "max_tokens": 5}
        ]
        assert client.llm.get_output_content(client.llm.chat("mute", MESSAGES, stream=True)) == ""
        assert litellm.calls[1]["stream"] is True
        assert "key" not in repr(client)

    def test_embeddings(self, litellm):
        from graphbit.providers import Litellm

        embeddings = Litellm().embeddings
        assert embeddings.embed("m", "abc") == [3.0, 0.5]
        assert embeddings.embed("m", ["a", "bc"], dimensions=2) == [[1.0, 0.5], [2.0, 0.5]]
        assert litellm.calls[1] == {"model": "m", "input": ["a", "bc"], "dimensions": 2}
        assert embeddings.embed_many("m", ("a", "bc")) == [[1.0, 0.5], [2.0, 0.5]]
        assert asyncio.run(embeddings.aembed("m", "abcd")) == [4.0, 0.5]
        assert embeddings.get_embedding_dimension("m") == 2


class TestMissingLibraries:
    def test_the_extra_is_named_and_the_other_library_still_works(self, litellm, monkeypatch):
        from graphbit.providers import Huggingface, Litellm

        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(ImportError, match=r"Failed to import huggingface_hub module: .*\[huggingface\]"):
            Huggingface("token")
        assert Litellm().llm.get_output_content(answer("x")) == "x"

    def test_unknown_names(self):
        import graphbit.providers

        assert graphbit.providers.__all__ == ["Huggingface", "Litellm"]
        with pytest.raises(AttributeError):
            graphbit.providers.Other  # noqa: B018
