"""Chat models: :class:`LiteLLMLLM`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .library import call_options, litellm_library


class LiteLLMLLM:
    """Chat with any model that LiteLLM knows, by its name ("provider/model")."""

    def __init__(self, api_key: Optional[str] = None, **kwargs: Any) -> None:
        self._library = litellm_library()
        self._api_key = api_key
        self._defaults = kwargs

    def chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        temperature: Optional[float] = None,
        max_tokens: Optional[int] = None,
        top_p: Optional[float] = None,
        stream: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Asks `model`. Returns LiteLLM's answer, with ``.choices[0].message.content`` and ``.usage``; with `stream` an
        iterator of chunks."""
        options = call_options(
            self._api_key,
            self._defaults,
            temperature=temperature,
            max_tokens=max_tokens,
            top_p=top_p,
            stream=stream or None,
            **kwargs,
        )
        return self._library.completion(model=model, messages=[dict(message) for message in messages], **options)

    def get_output_content(self, response: Any) -> str:
        """The text of an answer; empty if it has none."""
        return response.choices[0].message.content or ""
