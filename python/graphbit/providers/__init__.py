"""Providers by way of their own Python libraries: Hugging Face (``huggingface_hub``) and LiteLLM (``litellm``).

Each library is imported when the first object that needs it is made; one that is missing does not hinder the other. The
extras ``huggingface`` and ``litellm`` bring them.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from graphbit.providers.huggingface import Huggingface as Huggingface
    from graphbit.providers.litellm import Litellm as Litellm

__all__ = ["Huggingface", "Litellm"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'graphbit.providers' has no attribute {name!r}")
    return getattr(__import__(f"graphbit.providers.{name.lower()}", fromlist=[name]), name)
