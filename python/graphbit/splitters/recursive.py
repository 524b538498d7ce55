"""Cuts at the coarsest separator that makes pieces small enough, then at finer ones inside what is still too large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .span import Span, trimmed, utf8_length

DEFAULT_SEPARATORS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ": ", " - ", " ", "")


def recursive_spans(text: str, chunk_size: int, separators: Sequence[str]) -> Iterator[Span]:
    """Stretches of at most `chunk_size` bytes, without the separators between them.

    The separator "" cuts anywhere, between characters; without it a piece that no separator cuts stays too large.
    """
    return _split(text, 0, len(text), chunk_size, tuple(separators))


def with_neighbours(text: str, spans: Sequence[Span], overlap: int) -> Iterator[tuple[Span, str]]:
    """Each span with its content: `overlap` bytes of the span before, the span itself, `overlap` bytes of the next."""
    for index, span in enumerate(spans):
        before = _last_bytes(text, spans[index - 1], overlap) if index > 0 else ""
        after = _first_bytes(text, spans[index + 1], overlap) if index + 1 < len(spans) else ""
        yield span, before + text[span.start : span.end] + after


def _split(text: str, start: int, end: int, chunk_size: int, separators: tuple[str, ...]) -> Iterator[Span]:
    while separators and text.find(separators[0], start, end) < 0:
        separators = separators[1:]
    if utf8_length(text[start:end]) <= chunk_size or not separators:
        yield Span(start, end)
        return
    separator, finer = separators[0], separators[1:]
    if not separator:
        yield from _hard_cuts(text, start, end, chunk_size)
        return
    separator_bytes = utf8_length(separator)
    open_start, open_end, open_bytes = start, start, -1
    for piece_start, piece_end in _pieces(text, start, end, separator):
        piece_bytes = utf8_length(text[piece_start:piece_end])
        if open_bytes >= 0 and open_bytes + separator_bytes + piece_bytes <= chunk_size:
            open_end, open_bytes = piece_end, open_bytes + separator_bytes + piece_bytes
            continue
        if open_bytes >= 0:
            yield Span(open_start, open_end)
            open_bytes = -1
        if piece_bytes > chunk_size:
            yield from _split(text, piece_start, piece_end, chunk_size, finer)
        else:
            open_start, open_end, open_bytes = piece_start, piece_end, piece_bytes
    if open_bytes >= 0:
        yield Span(open_start, open_end)


def _pieces(text: str, start: int, end: int, separator: str) -> Iterator[tuple[int, int]]:
    while (found := text.find(separator, start, end)) >= 0:
        yield start, found
        start = found + len(separator)
    yield start, end


def _hard_cuts(text: str, start: int, end: int, chunk_size: int) -> Iterator[Span]:
    while start < end:
        cut = start + max(1, _chars_within(text[start : min(end, start + chunk_size)], chunk_size))
        yield Span(start, cut)
        start = cut


def _chars_within(text: str, bytes_max: int) -> int:
    """How many whole characters of `text` fit in `bytes_max` bytes."""
    if text.isascii():
        return min(len(text), bytes_max)
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) <= bytes_max:
        return len(text)
    while bytes_max > 0 and encoded[bytes_max] & 0xC0 == 0x80:
        bytes_max -= 1
    return len(encoded[:bytes_max].decode("utf-8", "surrogatepass"))


def _first_bytes(text: str, span: Span, bytes_max: int) -> str:
    part = text[span.start : min(span.end, span.start + bytes_max)]
    return part[: _chars_within(part, bytes_max)]


def _last_bytes(text: str, span: Span, bytes_max: int) -> str:
    part = text[max(span.start, span.end - bytes_max) : span.end]
    kept = _chars_within(part[::-1], bytes_max)
    return part[len(part) - kept :]


def trimmed_spans(text: str, spans: Iterator[Span]) -> Iterator[Span]:
    """Spans without white space at their ends; those with nothing else are left out."""
    for span in spans:
        start, end = trimmed(text, span.start, span.end)
        if start < end:
            yield span._replace(start=start, end=end)
