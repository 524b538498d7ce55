"""Many providers by the ``litellm`` library."""

from .client import Litellm

__all__ = ["Litellm"]
