"""Plain text, as it is."""

from __future__ import annotations

from .extraction import Extraction, decoded


def text_of(data: bytes, extraction: Extraction) -> str:
    """The text of the file, line ends and all."""
    return decoded(data, extraction.encoding, "text file")
