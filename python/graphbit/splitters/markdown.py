"""Blocks of Markdown: headers, fenced code and what blank lines set apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Optional

from .paragraph import before_line_end, lines_of
from .span import Span

_HEADER = re.compile(r" {0,3}#{1,6}(?=[ \t\r\n]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LINE_START_CHARS = 1024


def markdown_pieces(text: str, by_headers: bool = True) -> Iterator[Span]:
    """The blocks of a Markdown text. With `by_headers` each carries its header in its notes, so that no chunk holds
    parts of two sections; a ``#`` inside fenced code is no header."""
    for block in _blocks(text, by_headers):
        yield block._replace(end=before_line_end(text, block.end))


def _blocks(text: str, by_headers: bool) -> Iterator[Span]:
    notes: Mapping[str, str] = {}
    block: Optional[Span] = None
    fence = ""
    for line in lines_of(text):
        shown = text[line.start : min(line.end, line.start + _LINE_START_CHARS)]
        if fence and block is not None:
            block = block._replace(end=line.end)
            if _closes(shown, fence):
                yield block
                block, fence = None, ""
            continue
        opens, is_header = _FENCE.match(shown), _HEADER.match(shown) is not None
        is_blank = not shown.strip() and line.end - line.start < _LINE_START_CHARS
        if block is not None and (opens or is_header or is_blank):
            yield block
            block = None
        if is_blank:
            continue
        if is_header and by_headers:
            notes = {"header": shown.strip().strip("#").strip()}
        fence = opens.group(1) if opens else ""
        block = Span(line.start if block is None else block.start, line.end, notes)
    if block is not None:
        yield block


def _closes(line: str, fence: str) -> bool:
    stripped = line.strip()
    return len(stripped) >= len(fence) and stripped == fence[0] * len(stripped)
