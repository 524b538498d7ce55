"""Windows of characters, cut after the last white space in each."""

from __future__ import annotations

from collections.abc import Iterator

from .span import Boundary, Span, cut_position, trimmed


def character_spans(
    text: str, chunk_size: int, overlap: int, boundary: Boundary = "word", trim: bool = True
) -> Iterator[Span]:
    """Windows of at most `chunk_size` characters, each starting `overlap` characters before the last one's end.

    With `trim` a window that starts with white space is narrowed to what is in it; others keep the white space at their
    end, so that their offsets meet.
    """
    start = 0
    while start < len(text):
        end = cut_position(text, start, start + chunk_size, boundary)
        yield Span(*trimmed(text, start, end)) if trim and text[start].isspace() else Span(start, end)
        if end == len(text):
            return
        start = max(end - overlap, start + 1)
