"""Chat models: :class:`HuggingfaceLLM`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..optional_library import optional_library


class HuggingfaceLLM:
    """Chat with models that Hugging Face serves. `kwargs` go to ``huggingface_hub.InferenceClient``."""

    def __init__(self, token: str, **kwargs: Any) -> None:
        self._client = optional_library("huggingface_hub", "huggingface").InferenceClient(token=token, **kwargs)

    def chat(self, model: str, messages: Sequence[Mapping[str, Any]], **kwargs: Any) -> Any:
        """Asks `model`; `kwargs` (max_tokens, temperature, top_p, ...) go to ``chat_completion``. Returns its answer,
        with ``.choices[0].message.content`` and ``.usage``."""
        return self._client.chat_completion(messages=[dict(message) for message in messages], model=model, **kwargs)

    def get_output_content(self, response: Any) -> str:
        """The text of an answer; empty if it has none."""
        return response.choices[0].message.content or ""
