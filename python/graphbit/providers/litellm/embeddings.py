"""Embeddings: :class:`LiteLLMEmbeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

from .library import call_options, litellm_library

Vectors = Union[list[float], list[list[float]]]


class LiteLLMEmbeddings:
    """Vectors of texts by any model that LiteLLM knows."""

    def __init__(self, api_key: Optional[str] = None, **kwargs: Any) -> None:
        self._library = litellm_library()
        self._api_key = api_key
        self._defaults = kwargs

    def embed(
        self,
        model: str,
        text: Union[str, Sequence[str]],
        dimensions: Optional[int] = None,
        encoding_format: Optional[str] = None,
        input_type: Optional[str] = None,
        **kwargs: Any,
    ) -> Vectors:
        """The vector of one text; of several texts the list of theirs."""
        options = self._options(dimensions, encoding_format, input_type, kwargs)
        return _vectors(self._library.embedding(model=model, input=_texts(text), **options), text)

    def embed_many(
        self,
        model: str,
        texts: Sequence[str],
        dimensions: Optional[int] = None,
        encoding_format: Optional[str] = None,
        input_type: Optional[str] = None,
        **kwargs: Any,
    ) -> list[list[float]]:
        """The vectors of several texts, in their order, by one request."""
        vectors = self.embed(model, list(texts), dimensions, encoding_format, input_type, **kwargs)
        return vectors  # type: ignore[return-value]

    async def aembed(
        self,
        model: str,
        text: Union[str, Sequence[str]],
        dimensions: Optional[int] = None,
        encoding_format: Optional[str] = None,
        input_type: Optional[str] = None,
        **kwargs: Any,
    ) -> Vectors:
        """As :meth:`embed`, without blocking the event loop."""
        options = self._options(dimensions, encoding_format, input_type, kwargs)
        return _vectors(await self._library.aembedding(model=model, input=_texts(text), **options), text)

    def get_embedding_dimension(self, model: str, sample_text: str = "test") -> int:
        """How long the vectors of `model` are; embeds `sample_text` to find out."""
        return len(self.embed(model, sample_text))

    def _options(
        self, dimensions: Optional[int], encoding_format: Optional[str], input_type: Optional[str], more: dict[str, Any]
    ) -> dict[str, Any]:
        return call_options(
            self._api_key,
            self._defaults,
            dimensions=dimensions,
            encoding_format=encoding_format,
            input_type=input_type,
            **more,
        )


def _texts(text: Union[str, Sequence[str]]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def _vectors(answer: Any, text: Union[str, Sequence[str]]) -> Vectors:
    items = [item if isinstance(item, dict) else vars(item) for item in answer.data]
    ordered = sorted(items, key=lambda item: item.get("index", 0))
    vectors = [list(item["embedding"]) for item in ordered]
    return vectors[0] if isinstance(text, str) else vectors
