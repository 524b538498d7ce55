"""One token, every use of Hugging Face's inference: :class:`Huggingface`."""

from __future__ import annotations

from .embeddings import HuggingfaceEmbeddings
from .inference import HuggingfaceInference
from .llm import HuggingfaceLLM


class Huggingface:
    """Hugging Face's inference with one token: ``.llm`` (chat), ``.embeddings``, ``.inference`` (images).

    Raises ImportError without the ``huggingface_hub`` library.
    """

    def __init__(self, api_token: str) -> None:
        self.inference = HuggingfaceInference(api_token)
        self.llm = HuggingfaceLLM(api_token)
        self.embeddings = HuggingfaceEmbeddings(api_token)

    def __repr__(self) -> str:
        return "Huggingface()"
