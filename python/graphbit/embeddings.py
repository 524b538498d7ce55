"""Embeddings: texts as vectors of floats (single precision, as lists or as one array)."""

from __future__ import annotations

from graphbit import _core
from graphbit.errors import ValidationError
from graphbit.llm import check_litellm_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence
    from typing import Any, TypedDict

    from typing_extensions import Unpack

    from graphbit.bridge_embeddings import BridgeEmbeddings
    from graphbit.llm import ConnectionOptions, Priority, _OptionsWithoutBaseUrl
    from graphbit.progress import Progress

    class EmbeddingOptions(TypedDict, total=False):
        """The keywords that every call takes; what they mean stands at EmbeddingClient."""

        timeout_s: float | None
        extra_body: Mapping[str, Any] | str | None
        priority: Priority | None
        session: str | None


class EmbeddingConfig:
    """Which embedding model is asked, where, with which key. Immutable; made by the factories alone.

    The factories take the keywords of ``LlmConfig``, and treat keys the same way.
    """

    __slots__ = ("_bridge", "_native")

    _native: _core.ProviderConfig
    _bridge: BridgeEmbeddings | None

    def __init__(self) -> None:
        raise TypeError("No constructor defined for EmbeddingConfig")

    @staticmethod
    def openai(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> EmbeddingConfig:
        """OpenAI; text-embedding-3-small by default."""
        return _config("openai", api_key, model, options)

    @staticmethod
    def openai_compatible(
        base_url: str,
        api_key: str | None = None,
        model: str | None = None,
        **options: Unpack[_OptionsWithoutBaseUrl],
    ) -> EmbeddingConfig:
        """Any server with OpenAI's API at ``base_url``."""
        return _config("openai_compatible", api_key, model, {"base_url": base_url, **options})

    @staticmethod
    def azure(
        api_key: str | None,
        deployment_name: str,
        endpoint: str,
        model: str | None = None,
        api_version: str | None = None,
        **options: Unpack[_OptionsWithoutBaseUrl],
    ) -> EmbeddingConfig:
        """A deployment on Azure OpenAI; api_version 2024-02-01 by default."""
        parameters = {"deployment_name": deployment_name, "api_version": api_version}
        return _config("azure", api_key, model, {"base_url": endpoint, **options}, parameters)

    @staticmethod
    def huggingface(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> EmbeddingConfig:
        """Hugging Face inference; sentence-transformers/all-MiniLM-L6-v2 by default."""
        return _config(
            "huggingface", api_key, model or "sentence-transformers/all-MiniLM-L6-v2", options
        )

    @staticmethod
    def ollama(model: str | None = None, **options: Unpack[ConnectionOptions]) -> EmbeddingConfig:
        """A local Ollama; nomic-embed-text by default."""
        return _config("ollama", None, model, options)

    @staticmethod
    def mistralai(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> EmbeddingConfig:
        """Mistral; mistral-embed by default."""
        return _config("mistralai", api_key, model, options)

    @staticmethod
    def gemini(
        api_key: str | None = None, model: str | None = None, **options: Unpack[ConnectionOptions]
    ) -> EmbeddingConfig:
        """Google Gemini."""
        return _config("gemini", api_key, model, options)

    @staticmethod
    def litellm(api_key: str | None = None, model: str | None = None) -> EmbeddingConfig:
        """Any model that LiteLLM knows, through its Python library; text-embedding-3-small by
        default.

        Raises ImportError when the library is not installed, ValueError for a key that is empty or
        shorter than 8 bytes. Without a key the library asks the environment.
        """
        check_litellm_key(api_key)
        model = "text-embedding-3-small" if model is None else _core.text_argument(model, "model")
        from graphbit.bridge_embeddings import BridgeEmbeddings
        from graphbit.providers.litellm import Litellm

        config = _embedding_config(_core.ProviderConfig.make_bridge(model))
        embed_many = Litellm(api_key).embeddings.embed_many
        config._bridge = BridgeEmbeddings("LiteLLM", embed_many, model)
        return config

    def provider(self) -> str:
        """The provider's name, such as ``"openai"``."""
        return self._native.provider

    def model(self) -> str:
        """The model that is asked."""
        return self._native.model

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EmbeddingConfig) and self._native == other._native

    def __hash__(self) -> int:
        return hash((self.provider(), self.model()))

    def __reduce__(self) -> tuple[Any, ...]:
        if self._bridge is not None:
            return EmbeddingConfig.litellm, (None, self.model())  # the library asks the environment
        return _embedding_config, (self._native,)

    def __repr__(self) -> str:
        shown = self._native.describe()
        return (
            f"EmbeddingConfig(provider='{shown['provider']}', model='{shown['model']}',"
            f" base_url='{shown['base_url']}', api_key='{shown['api_key']}')"
        )


class Embedding(list):  # type: ignore[type-arg]
    """A vector that knows what it stands for; else a plain list of floats.

    ``content`` and ``metadata`` as they were given, ``model``, ``usage`` (prompt_tokens,
    total_tokens) and ``cost`` (US dollars; None where no price is known).
    """

    content: str
    metadata: dict[str, Any]
    model: str
    usage: dict[str, int]
    cost: float | None


class EmbeddingClient:
    """Turns texts into vectors. Errors, limits and deadlines are those of ``LlmClient``.

    Every call takes these keywords, with the meaning they have there: ``timeout_s``, ``extra_body``,
    ``priority``, ``session``.
    """

    __slots__ = ("__weakref__", "_config", "_native")

    def __init__(self, config: EmbeddingConfig) -> None:
        if not isinstance(config, EmbeddingConfig):
            raise TypeError(
                "EmbeddingClient takes an EmbeddingConfig:"
                " EmbeddingClient(EmbeddingConfig.openai(api_key=...))"
            )
        self._config = config
        native: Any = config._bridge or _core.EmbeddingClient(config._native)
        self._native: _core.EmbeddingClient = native

    def embed_text(
        self,
        text: str,
        **options: Unpack[EmbeddingOptions],
    ) -> Awaitable[list[float]]:
        """An awaitable of the text's vector. ValueError for an empty text."""
        return self._native.embed_async([_checked_text(text)], options, "first")

    def embed_batch(
        self,
        texts: Sequence[str],
        *,
        progress: Progress = False,
        **options: Unpack[EmbeddingOptions],
    ) -> Awaitable[list[list[float]]]:
        """An awaitable of the texts' vectors, in order. ValueError for no texts or an empty one.

        ``progress``: as in ``Executor.execute``, by texts, which go in requests of 64 then.
        """
        checked = _checked_texts(texts)
        if not progress:
            return self._native.embed_async(checked, options, "all")
        from graphbit.progress import parts_of, tell_of_embeddings

        parts = [self._native.embed_async(part, options, "all") for part in parts_of(checked)]
        return tell_of_embeddings(parts, progress, len(checked))

    def embed_batch_array(
        self,
        texts: Sequence[str],
        **options: Unpack[EmbeddingOptions],
    ) -> Awaitable[memoryview]:
        """As ``embed_batch``, as one float32 array of texts x dimensions.

        The awaitable gives a memoryview; ``numpy.asarray`` takes it without a copy.
        """
        return self._native.embed_async(_checked_texts(texts), options, "array")

    def embed_document(
        self,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        **options: Unpack[EmbeddingOptions],
    ) -> Awaitable[Embedding]:
        """An awaitable of the content's vector, which carries ``metadata`` and ``content``."""
        future = self._native.embed_async([_checked_text(content)], options, "whole")
        return _document(future, content, dict(metadata or {}))

    def embed(
        self,
        text: str,
        **options: Unpack[EmbeddingOptions],
    ) -> list[float]:
        """The text's vector; waits for it."""
        return self._native.embed([_checked_text(text)], options, "first")  # type: ignore[no-any-return]

    def embed_many(
        self,
        texts: Sequence[str],
        *,
        progress: Progress = False,
        **options: Unpack[EmbeddingOptions],
    ) -> list[list[float]]:
        """The texts' vectors, in order; waits for them. ``progress``: as in ``embed_batch``."""
        checked = _checked_texts(texts)
        if not progress:
            return self._native.embed(checked, options, "all")  # type: ignore[no-any-return]
        from graphbit.progress import embed_in_parts

        return embed_in_parts(self._native, checked, options, progress)

    def embed_batch_parallel(
        self,
        texts_batch: Sequence[Sequence[str]],
        max_concurrency: int | None = None,
        timeout_ms: int | None = None,
        *,
        progress: Progress = False,
    ) -> dict[str, Any]:
        """Embeds several lists of texts at once, ``max_concurrency`` (10) at a time; waits.

        A dict: ``embeddings`` (a list of vectors per list, [] where it failed), ``errors``
        (``"Batch i: ..."``), ``duration_ms`` and ``stats``. ``timeout_ms`` bounds each list.
        ``progress``: as in ``Executor.execute``, by lists.
        """
        from graphbit.embedding_batches import embed_batches

        return embed_batches(self._native, texts_batch, max_concurrency, timeout_ms, progress)

    @staticmethod
    def similarity(a: Sequence[float], b: Sequence[float]) -> float:
        """Cosine similarity, -1 to 1; 0 where a vector is zero. RuntimeError for two lengths."""
        return _core.cosine_similarity(a, b)

    def __repr__(self) -> str:
        return f"EmbeddingClient({self._config!r})"


async def _document(
    future: Awaitable[Any], content: str, metadata: dict[str, Any]
) -> Embedding:
    vectors, model, prompt_tokens, total_tokens, cost = await future
    embedding = Embedding(vectors[0])
    embedding.content = content
    embedding.metadata = metadata
    embedding.model = model
    embedding.usage = {"prompt_tokens": prompt_tokens, "total_tokens": total_tokens}
    embedding.cost = cost
    return embedding


def _checked_text(text: str) -> str:
    if _core.text_argument(text, "text") == "":
        raise ValidationError("Text input cannot be empty", field="text")
    return text


def _checked_texts(texts: Sequence[str]) -> list[str]:
    checked = _core.texts_argument(texts, "texts")
    if not checked:
        raise ValidationError("Text list cannot be empty", field="texts")
    if "" in checked:
        raise ValidationError(
            f"Text at position {checked.index('')} cannot be empty", field="texts"
        )
    return checked


def _config(
    provider: str,
    api_key: str | None,
    model: str | None,
    options: Mapping[str, Any],
    parameters: Mapping[str, str | None] | None = None,
) -> EmbeddingConfig:
    return _embedding_config(
        _core.ProviderConfig.make_for_embeddings(
            provider, api_key, model, dict(parameters or {}), dict(options)
        )
    )


def _embedding_config(native: _core.ProviderConfig) -> EmbeddingConfig:
    config = object.__new__(EmbeddingConfig)
    config._native = native
    config._bridge = None
    return config
