"""Embeddings: :class:`HuggingfaceEmbeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..optional_library import optional_library


class HuggingfaceEmbeddings:
    """Vectors of texts. `kwargs` go to ``huggingface_hub.InferenceClient``."""

    def __init__(self, token: str, **kwargs: Any) -> None:
        self._client = optional_library("huggingface_hub", "huggingface").InferenceClient(token=token, **kwargs)

    def embed(self, model: str, text: str, **kwargs: Any) -> list[float]:
        """The vector of one text."""
        return _vector(self._client.feature_extraction(text, model=model, **kwargs))

    def embed_many(self, model: str, texts: Sequence[str], **kwargs: Any) -> list[list[float]]:
        """The vectors of several texts, one request each."""
        return [self.embed(model, text, **kwargs) for text in texts]

    def similarity(self, model: str, sentence: str, other_sentences: Sequence[str], **kwargs: Any) -> list[float]:
        """How similar `sentence` is to each of the others."""
        scores = self._client.sentence_similarity(sentence, list(other_sentences), model=model, **kwargs)
        return [float(score) for score in scores]


def _vector(answer: Any) -> list[float]:
    """One list of floats of what the library returns: an array of one or, for some models, two dimensions."""
    rows = answer.tolist() if hasattr(answer, "tolist") else list(answer)
    while len(rows) == 1 and isinstance(rows[0], list):
        rows = rows[0]
    if rows and isinstance(rows[0], list):  # one row per token: their mean stands for the text
        return [sum(column) / len(rows) for column in zip(*rows)]
    return [float(value) for value in rows]
