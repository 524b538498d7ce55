"""A small HTML tokenizer whose work is linear in any input, well formed or not.

It knows what text extraction needs: start and end tags with attributes, texts with entities resolved, comments and
declarations skipped, the raw contents of script, style and the like taken as one text. It builds no tree.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple, Union

_RAW_TEXT = frozenset(("script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe"))
_NAME = re.compile(r"[a-zA-Z][^\s/>\x00]{0,255}")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_TAG_CHARS_MAX = 1 << 20


class StartTag(NamedTuple):
    """``<name key=value>``"""

    name: str
    attributes: dict[str, str]


class EndTag(NamedTuple):
    """``</name>``"""

    name: str


Token = Union[StartTag, EndTag, str]


def tokens_of(text: str) -> Iterator[Token]:
    """Tags and texts in their order."""
    position, raw_ends = 0, _RawTextEnds(text)
    while position < len(text):
        opening = text.find("<", position)
        if opening < 0:
            opening = len(text)
        if opening > position:
            yield html.unescape(text[position:opening])
        if opening == len(text):
            return
        token, position = _tag(text, opening)
        if token is None:
            continue
        yield token
        if isinstance(token, StartTag) and token.name in _RAW_TEXT:
            end = raw_ends.after(token.name, position)
            raw = text[position:end]
            if raw:
                yield html.unescape(raw) if token.name in ("title", "textarea") else raw
            position = end


class _RawTextEnds:
    """Where the contents of raw elements end. Remembers that a name has no end tag left, so that a file full of
    unclosed ``<script>`` is not searched to its end for each."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[str] = set()

    def after(self, name: str, position: int) -> int:
        if name not in self._missing:
            match = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(self._text, position)
            if match:
                return match.start()
            self._missing.add(name)
        return len(self._text)


def _tag(text: str, opening: int) -> tuple[Union[Token, None], int]:
    """The token at a "<", and where reading goes on."""
    if text.startswith("<!--", opening):
        end = text.find("-->", opening + 4)
        return None, len(text) if end < 0 else end + 3
    if text.startswith(("<!", "<?"), opening):
        end = text.find(">", opening)
        return None, len(text) if end < 0 else end + 1
    closing = text.startswith("</", opening)
    name = _NAME.match(text, opening + 1 + closing)
    if name is None:
        return "<", opening + 1
    if closing:
        end = text.find(">", name.end())
        return EndTag(name.group().lower()), len(text) if end < 0 else end + 1
    attributes, end = _attributes(text, name.end())
    return StartTag(name.group().lower(), attributes), end


def _attributes(text: str, position: int) -> tuple[dict[str, str], int]:
    attributes: dict[str, str] = {}
    limit = min(len(text), position + _TAG_CHARS_MAX)
    while position < limit and text[position] != ">":
        match = _ATTRIBUTE.match(text, position, limit)
        if match is None or match.end() == position:
            position += 1
            continue
        position = match.end()
        value = next((group for group in match.groups()[1:] if group is not None), "")
        attributes.setdefault(match.group(1).lower(), html.unescape(value))
    return attributes, min(position + 1, len(text))
