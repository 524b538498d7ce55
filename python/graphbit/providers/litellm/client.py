"""One key and one set of options for every use of LiteLLM: :class:`Litellm`."""

from __future__ import annotations

from typing import Any, Optional

from .embeddings import LiteLLMEmbeddings
from .llm import LiteLLMLLM


class Litellm:
    """LiteLLM with ``.llm`` (chat) and ``.embeddings``. Without `api_key` LiteLLM reads the provider's environment
    variable; `kwargs` (``api_base``, ``timeout``, ...) go to every call.

    Raises ImportError without the ``litellm`` library.
    """

    def __init__(self, api_key: Optional[str] = None, **kwargs: Any) -> None:
        self.llm = LiteLLMLLM(api_key, **kwargs)
        self.embeddings = LiteLLMEmbeddings(api_key, **kwargs)

    def __repr__(self) -> str:
        return "Litellm()"
