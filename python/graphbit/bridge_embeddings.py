"""Embedding models that are asked through a Python library (LiteLLM); see ``bridge_client``."""

from __future__ import annotations

import asyncio
from array import array
from concurrent.futures import ThreadPoolExecutor

from graphbit.errors import CoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

_THREADS_MAX = 20
_OWN_KEYWORDS = ("extra_body", "priority", "session", "fresh")  # of our pipeline; a library has none


class BridgeEmbeddings:
    """Stands in for the native client of an ``EmbeddingClient``.

    ``embed_many`` is the library's function of (model, texts, **options). Its calls block, so those of
    an event loop run on threads. How many tokens they took is not known: 0.
    """

    def __init__(self, name: str, embed_many: Callable[..., list[list[float]]], model: str) -> None:
        self._name = name
        self._embed_many = embed_many
        self._model = model
        self._pool = ThreadPoolExecutor(_THREADS_MAX, thread_name_prefix="graphbit-bridge")

    def embed(self, texts: list[str], options: Mapping[str, Any], shape: str) -> Any:
        return _shaped(self._ask(texts, _timeout(options)), self._model, shape)

    def embed_async(
        self, texts: list[str], options: Mapping[str, Any], shape: str
    ) -> Awaitable[Any]:
        timeout = _timeout(options)
        return asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: _shaped(self._ask(texts, timeout), self._model, shape)
        )

    def _ask(self, texts: list[str], timeout: dict[str, Any]) -> list[list[float]]:
        try:
            return self._embed_many(self._model, texts, **timeout)
        except Exception as error:
            words = f"LLM provider error: {self._name} - {error}"
            raise CoreError(words, provider=self._name) from error


def _timeout(options: Mapping[str, Any]) -> dict[str, Any]:
    """The library's keyword for ours. TypeError for one that no call takes."""
    for name in options:
        if name != "timeout_s" and name not in _OWN_KEYWORDS:
            raise TypeError(f"got an unexpected keyword argument '{name}'")
    timeout_s = options.get("timeout_s")
    return {} if timeout_s is None else {"timeout": timeout_s}


def _shaped(vectors: list[list[float]], model: str, shape: str) -> Any:
    """As the native client gives it: "first", "all", "array" or "whole"."""
    if shape == "first":
        return vectors[0]
    if shape == "all":
        return vectors
    if shape == "array":
        numbers = array("f", [number for vector in vectors for number in vector])
        return memoryview(numbers).cast("B").cast("f", [len(vectors), len(vectors[0])])
    return vectors, model, 0, 0, None
