"""Spans: where the pieces of a text lie, in characters, and the byte offsets that belong to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Optional

Boundary = Literal["character", "word", "line"]


class Span(NamedTuple):
    """A stretch ``text[start:end]``, and notes for the metadata of the chunk that is made of it."""

    start: int
    end: int
    notes: Mapping[str, str] = MappingProxyType({})


def utf8_length(text: str) -> int:
    """Bytes of `text` in UTF-8; a lone surrogate counts as the three bytes it would take."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class ByteOffsets:
    """Byte offsets of character positions. Remembers the last answer, so that positions asked for in about rising order
    cost time linear in the text, not in the text times the number of questions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ascii = text.isascii()
        self._position = 0
        self._offset = 0

    def of(self, position: int) -> int:
        """The byte offset of the character at `position`."""
        if self._ascii:
            return position
        if position >= self._position:
            self._offset += utf8_length(self._text[self._position : position])
        else:
            self._offset -= utf8_length(self._text[position : self._position])
        self._position = position
        return self._offset


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of ``text[start:end]`` without white space at either end; start == end if nothing is left."""
    part = text[start:end]
    kept = part.lstrip()
    start += len(part) - len(kept)
    return start, start + len(kept.rstrip())


def cut_position(text: str, start: int, limit: int, boundary: Boundary) -> int:
    """Where to cut a stretch that starts at `start` and may not go past `limit`: after the last line end (for "line"),
    else after the last white space (for "line" and "word"), else at the limit."""
    if limit >= len(text):
        return len(text)
    if boundary == "line":
        line_end = text.rfind("\n", start, limit)
        if line_end >= 0:
            return line_end + 1
    if boundary != "character":
        window = text[start:limit]
        last_word = "" if window[-1].isspace() else window.rsplit(None, 1)[-1]
        if len(last_word) < len(window):
            return limit - len(last_word)
    return limit


def packed(text: str, pieces: Iterable[Span], chunk_size: int, overlap: int, boundary: Boundary) -> Iterator[Span]:
    """Joins neighbouring pieces to chunks of up to `chunk_size` characters and cuts longer ones.

    What lies between two pieces is kept inside a chunk and left out between chunks. Pieces with different notes are
    never joined. Up to `overlap` characters from before a chunk come on top of it.
    """
    open_span: Optional[Span] = None
    for piece in pieces:
        if open_span is not None and piece.notes == open_span.notes and piece.end - open_span.start <= chunk_size:
            open_span = open_span._replace(end=piece.end)
            continue
        if open_span is not None:
            yield _overlapped(text, open_span, overlap, boundary)
        open_span = piece
        while open_span.end - open_span.start > chunk_size:
            cut = cut_position(text, open_span.start, open_span.start + chunk_size, boundary)
            yield _overlapped(text, open_span._replace(end=cut), overlap, boundary)
            open_span = open_span._replace(start=cut)
    if open_span is not None:
        yield _overlapped(text, open_span, overlap, boundary)


def _overlapped(text: str, span: Span, overlap: int, boundary: Boundary) -> Span:
    """`span` with up to `overlap` characters of what comes before it, from the first boundary among them."""
    start = max(0, span.start - overlap)
    if boundary == "character" or start in (0, span.start):
        return span._replace(start=start)
    if boundary == "line":
        line_end = text.find("\n", start - 1, span.start)
        return span._replace(start=span.start if line_end < 0 else line_end + 1)
    if not text[start - 1].isspace():
        words = text[start : span.start].split(None, 1)
        start = span.start if len(words) < 2 else span.start - len(words[1])
    return span._replace(start=start)
