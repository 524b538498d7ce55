"""Groups of tokens, a token being what a regular expression matches."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Optional

from .span import Span

DEFAULT_TOKEN_PATTERN = r"\b\w+\b|\s+|[^\w\s]+"


def token_spans(text: str, chunk_size: int, overlap: int, pattern: Optional[re.Pattern[str]] = None) -> Iterator[Span]:
    """Stretches of `chunk_size` tokens, each starting `overlap` tokens before the last one's end.

    A stretch goes from its first token's start to its last token's end, text between tokens included.
    """
    if pattern is None:
        pattern = re.compile(DEFAULT_TOKEN_PATTERN) if text.isascii() else _pattern_for_all_scripts()
    window: list[tuple[int, int]] = []
    for match in pattern.finditer(text):
        if match.end() == match.start():
            continue
        if len(window) == chunk_size:
            yield _span(window)
            window = window[chunk_size - overlap :]
        window.append(match.span())
    if window:
        yield _span(window)


def _span(window: list[tuple[int, int]]) -> Span:
    return Span(window[0][0], window[-1][1], {"token_count": str(len(window))})


@functools.lru_cache(maxsize=1)
def _pattern_for_all_scripts() -> re.Pattern[str]:
    r"""The default pattern with combining marks and joiners as parts of words, as Unicode has it (UTS #18). Python's
    ``\w`` leaves them out, and would take words of Hindi or Thai apart."""
    word = r"\w\u200c\u200d" + _marks()
    return re.compile(rf"[{word}]+|\s+|[^{word}\s]+")


def _marks() -> str:
    """All characters of category M as ranges for a character class."""
    planes = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
    ranges: list[list[int]] = []
    for code in (code for plane in planes for code in plane if code <= sys.maxunicode):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
