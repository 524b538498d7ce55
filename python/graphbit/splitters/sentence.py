"""Groups of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Optional

from .span import Span, trimmed, utf8_length

DEFAULT_SENTENCE_ENDINGS = (r"[.!?]+[\s\n]+", r"[。！？]+[\s\n]*", r"[\n\r]+")

# The same endings in one expression. A match may start only where a run of stops starts: without the look-behind a line
# of a million dots would be scanned a million times.
_DEFAULT = re.compile(r"[.!?](?<![.!?].)[.!?]*\s+|[。！？]+\s*|[\n\r]+")


def ending_pattern(endings: Sequence[str]) -> Optional[re.Pattern[str]]:
    """One pattern of several; None for no ending at all. Raises re.error for a wrong one."""
    for ending in endings:
        re.compile(ending)
    return re.compile("|".join(f"(?:{ending})" for ending in endings)) if endings else None


def sentence_spans(
    text: str, chunk_size: int, overlap: int, endings: Optional[Sequence[str]] = None, blanks: bool = False
) -> Iterator[Span]:
    """Stretches of whole sentences that reach `chunk_size` bytes, each starting `overlap` sentences before the end of
    the last one. Sentences of white space alone count only with `blanks`."""
    sentences: list[tuple[int, int, int]] = []
    size = 0
    for start, end in _sentences(text, _DEFAULT if endings is None else ending_pattern(endings)):
        if not blanks and trimmed(text, start, end)[0] == end:
            continue
        if size >= chunk_size and sentences:
            yield _span(sentences)
            sentences = sentences[max(1, len(sentences) - overlap) :]
            size = sum(length for _, _, length in sentences)
            while size >= chunk_size:
                yield _span(sentences)
                size -= sentences.pop(0)[2]
        length = utf8_length(text[start:end])
        sentences.append((start, end, length))
        size += length
    if sentences:
        yield _span(sentences)


def _sentences(text: str, endings: Optional[re.Pattern[str]]) -> Iterator[tuple[int, int]]:
    start = 0
    if endings is not None:
        for match in endings.finditer(text):
            if match.end() > start:
                yield start, match.end()
                start = match.end()
    if start < len(text):
        yield start, len(text)


def _span(sentences: list[tuple[int, int, int]]) -> Span:
    return Span(sentences[0][0], sentences[-1][1], {"sentence_count": str(len(sentences))})
