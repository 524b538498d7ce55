"""Images: :class:`HuggingfaceInference`."""

from __future__ import annotations

from typing import Any

from ..optional_library import optional_library


class HuggingfaceInference:
    """Images from texts."""

    def __init__(self, token: str) -> None:
        self._client = optional_library("huggingface_hub", "huggingface").InferenceClient(token=token)

    def generate_image(self, model: str, prompt: str, **kwargs: Any) -> Any:
        """A ``PIL.Image`` of what `prompt` describes; `kwargs` go to ``text_to_image``."""
        return self._client.text_to_image(prompt, model=model, **kwargs)
