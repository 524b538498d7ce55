"""Embeddings: configuration and both sets of methods (contract section 9)."""

import asyncio
import pickle

import pytest
from graphbit import EmbeddingClient, EmbeddingConfig

KEY = "k" * 24


@pytest.fixture
def embedder(simulator, model):
    return EmbeddingClient(simulator.embedding_config(model))


def run(method, *args, **kwargs):
    async def main():
        return await method(*args, **kwargs)

    return asyncio.run(main())


class TestConfig:
    def test_defaults(self):
        assert EmbeddingConfig.openai(KEY).model() == "text-embedding-3-small"
        azure = EmbeddingConfig.azure(KEY, "d", "https://x.openai.azure.com")
        assert azure.model() == "text-embedding-3-small"
        assert "all-MiniLM-L6-v2" in EmbeddingConfig.huggingface(KEY).model()

    def test_key_checks(self):
        with pytest.raises(ValueError, match="^OpenAI API key cannot be empty$"):
            EmbeddingConfig.openai("")
        with pytest.raises(ValueError, match="^OpenAI API key too short"):
            EmbeddingConfig.openai("short")
        with pytest.raises(ValueError, match="Azure API key too short"):
            EmbeddingConfig.azure("short", "d", "https://x.openai.azure.com")

    def test_no_constructor_and_no_key_shown(self):
        with pytest.raises(TypeError, match="No constructor defined"):
            EmbeddingConfig()
        assert KEY not in repr(EmbeddingConfig.openai(KEY))
        assert KEY.encode() not in pickle.dumps(EmbeddingConfig.openai(KEY))

    def test_client_takes_a_config(self):
        with pytest.raises(TypeError, match="EmbeddingClient takes an EmbeddingConfig"):
            EmbeddingClient("openai")


class TestAwaitable:
    def test_embed_text(self, embedder):
        vector = run(embedder.embed_text, "hello")
        assert len(vector) == 8 and all(isinstance(x, float) for x in vector)

    def test_embed_batch_keeps_the_order(self, embedder):
        texts = [f"text {i}" for i in range(50)]
        together = run(embedder.embed_batch, texts)
        assert together[17] == run(embedder.embed_text, "text 17") and len(together) == 50

    def test_embed_document(self, embedder):
        embedding = run(embedder.embed_document, content="hello", metadata={"source": "a.txt"})
        assert isinstance(embedding, list) and embedding == run(embedder.embed_text, "hello")
        assert embedding.metadata == {"source": "a.txt"} and embedding.content == "hello"
        assert embedding.usage["total_tokens"] > 0 and embedding.model

    def test_array_without_a_copy(self, embedder):
        numpy = pytest.importorskip("numpy")
        view = run(embedder.embed_batch_array, ["a", "b", "c"])
        array = numpy.asarray(view)
        assert array.shape == (3, 8) and array.dtype == numpy.float32
        assert numpy.shares_memory(array, numpy.asarray(view))
        assert array[1].tolist() == pytest.approx(run(embedder.embed_text, "b"))

    def test_cancelling(self, embedder, simulator):
        simulator.configure(latency_ms=10_000)

        async def main():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(embedder.embed_text("x"), 0.05)

        asyncio.run(main())

    def test_validation_at_the_call(self, embedder):
        for method, bad in (("embed_text", ""), ("embed_batch", []), ("embed_batch", ["a", ""])):
            with pytest.raises(ValueError, match="cannot be empty"):
                getattr(embedder, method)(bad)
        for method, bad in (("embed_text", 5), ("embed_batch", "text"), ("embed_batch", [5])):
            with pytest.raises(TypeError):
                getattr(embedder, method)(bad)


class TestBlocking:
    def test_embed_and_embed_many(self, embedder):
        assert embedder.embed_many(["a", "b"]) == [embedder.embed("a"), embedder.embed("b")]

    def test_validation(self, embedder):
        with pytest.raises(ValueError, match="Text input cannot be empty"):
            embedder.embed("")
        with pytest.raises(ValueError, match="Text list cannot be empty"):
            embedder.embed_many([])
        with pytest.raises(ValueError):
            embedder.embed_many(["a", ""])

    def test_errors(self, simulator, model):
        simulator.configure(wrong_keys=["sim-key"])
        with pytest.raises(PermissionError):
            EmbeddingClient(simulator.embedding_config(model)).embed("x")


class TestParallel:
    def test_all_good(self, embedder):
        result = embedder.embed_batch_parallel([["a", "b"], ["c"]], max_concurrency=2)
        assert [len(vectors) for vectors in result["embeddings"]] == [2, 1]
        assert result["errors"] == [] and result["duration_ms"] >= 0
        stats = result["stats"]
        assert stats["successful_requests"] == 2 and stats["failed_requests"] == 0
        assert stats["total_embeddings"] == 3 and stats["total_tokens"] > 0
        assert stats["avg_response_time_ms"] > 0

    def test_timeout_fails_only_its_batch(self, embedder, simulator):
        simulator.configure(latency_ms=2_000)
        result = embedder.embed_batch_parallel([["a"]], timeout_ms=30)
        assert result["embeddings"] == [[]]
        assert result["errors"] == ["Batch 0: Batch request timed out"]
        assert result["stats"]["failed_requests"] == 1

    def test_validation(self, embedder):
        with pytest.raises(ValueError, match="Batch cannot be empty"):
            embedder.embed_batch_parallel([])
        with pytest.raises(TypeError):
            embedder.embed_batch_parallel(["text"])
        with pytest.raises(OverflowError):
            embedder.embed_batch_parallel([["a"]], max_concurrency=-1)


class TestSimilarity:
    def test_values(self):
        assert EmbeddingClient.similarity([1.0, 0.0], [1.0, 0.0]) == 1.0
        assert EmbeddingClient.similarity([1, 0], [0, 1]) == 0.0
        assert EmbeddingClient.similarity([1.0], [-2.0]) == -1.0
        assert EmbeddingClient.similarity([0.0], [1.0]) == 0.0
        assert EmbeddingClient.similarity([], []) == 0.0

    def test_lengths_must_match(self):
        with pytest.raises(RuntimeError, match="Embedding dimensions must match"):
            EmbeddingClient.similarity([1.0], [1.0, 2.0])

    def test_types(self):
        with pytest.raises(TypeError):
            EmbeddingClient.similarity("ab", "cd")


class TestManyTexts:
    """More texts than a provider takes at once go out as several requests."""

    TEXTS = [f"text {i}" for i in range(5000)]

    def test_order_is_kept(self, simulator):
        client = EmbeddingClient(simulator.embedding_config())
        vectors = client.embed_many(self.TEXTS)
        assert len(vectors) == 5000 and simulator.counters()["requests"] == 3
        for i in (0, 2047, 2048, 4999):
            assert vectors[i] == client.embed(self.TEXTS[i])

    def test_async_and_as_an_array(self, simulator):
        client = EmbeddingClient(simulator.embedding_config())

        async def ask():
            return await asyncio.gather(
                client.embed_batch(self.TEXTS), client.embed_batch_array(self.TEXTS)
            )

        vectors, array = asyncio.run(ask())
        assert array.shape == (5000, 8) and array.tolist() == vectors
        assert vectors[4999] == client.embed(self.TEXTS[4999])

    def test_one_failing_part_fails_all(self, simulator):
        simulator.configure(fault_500=1.0)
        client = EmbeddingClient(simulator.embedding_config(max_retries=0))
        with pytest.raises(ConnectionError):
            asyncio.run(self.ask(client))
        with pytest.raises(ConnectionError):
            client.embed_many(self.TEXTS)

    async def ask(self, client):
        return await client.embed_batch(self.TEXTS)
