"""Hugging Face's inference API by the ``huggingface_hub`` library."""

from .client import Huggingface

__all__ = ["Huggingface"]
