"""Paragraphs: what blank lines set apart."""

from __future__ import annotations

from collections.abc import Iterator

from .span import Span, trimmed


def paragraph_pieces(text: str, min_paragraph_length: int = 0) -> Iterator[Span]:
    """The paragraphs of a text; one shorter than `min_paragraph_length` characters is joined with what follows it (the
    last one with what comes before it)."""
    waiting: list[Span] = []
    for piece in _paragraphs(text):
        if waiting and _is_short(text, waiting[-1], min_paragraph_length):
            waiting[-1] = Span(waiting[-1].start, piece.end)
        else:
            waiting.append(piece)
        if len(waiting) > 2:
            yield waiting.pop(0)
    if len(waiting) == 2 and _is_short(text, waiting[1], min_paragraph_length):
        waiting = [Span(waiting[0].start, waiting[1].end)]
    yield from waiting


def _is_short(text: str, span: Span, length: int) -> bool:
    start, end = trimmed(text, span.start, span.end)
    return end - start < length


def _paragraphs(text: str) -> Iterator[Span]:
    start = end = None
    for line in lines_of(text):
        if trimmed(text, line.start, line.end)[0] < line.end:
            start = line.start if start is None else start
            end = before_line_end(text, line.end)
        elif start is not None and end is not None:
            yield Span(start, end)
            start = end = None
    if start is not None and end is not None:
        yield Span(start, end)


def before_line_end(text: str, end: int) -> int:
    """`end` without the line end (LF or CR LF) right before it."""
    if end > 0 and text[end - 1] == "\n":
        end -= 1
        if end > 0 and text[end - 1] == "\r":
            end -= 1
    return end


def lines_of(text: str) -> Iterator[Span]:
    """The lines of a text with their line ends (LF or CR LF)."""
    start = 0
    while start < len(text):
        line_feed = text.find("\n", start)
        end = len(text) if line_feed < 0 else line_feed + 1
        yield Span(start, end)
        start = end
