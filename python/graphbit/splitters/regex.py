"""Pieces between the matches of a caller's pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .span import Span


def regex_pieces(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    """What lies between the matches of `pattern`. A pattern that matches nothing wide, such as ``(?=Chapter)``, cuts
    there and takes nothing away."""
    start = 0
    for match in pattern.finditer(text):
        if match.start() > start:
            yield Span(start, match.start())
        start = match.end()
    if start < len(text):
        yield Span(start, len(text))
