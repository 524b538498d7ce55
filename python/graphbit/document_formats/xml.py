"""XML, as an indented outline of elements, attributes and texts."""

from __future__ import annotations

import re
from xml.parsers import expat

from .extraction import Extraction, TextOutput, decoded, refused


def text_of(data: bytes, extraction: Extraction) -> str:
    """The outline, texts where they stand in the document. Entity declarations are refused: they are how a small file
    becomes a huge one, or reads another file."""
    if extraction.preserve_formatting:
        _Outline().parse(data, extraction)
        return decoded(data, _declared_encoding(data) or extraction.encoding, "XML file")
    outline = _Outline()
    outline.parse(data, extraction)
    return outline.text()


class _Outline:
    """Writes the outline while expat reads."""

    def __init__(self) -> None:
        self._output = TextOutput()
        self._depth = 0
        self._text: list[str] = []
        self._output.add("XML Document Content:\n\n")

    def parse(self, data: bytes, extraction: Extraction) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.EntityDeclHandler = self._entity
        try:
            if _declared_encoding(data) or extraction.encoding.lower().startswith("utf"):
                parser.Parse(data, True)
            else:
                parser.Parse(decoded(data, extraction.encoding, "XML file"), True)
        except (expat.ExpatError, LookupError, UnicodeError) as error:
            raise refused(f"Invalid XML content: {error}") from None

    def text(self) -> str:
        self._output.add("\nXML parsing completed.\n")
        return self._output.text()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._flush()
        indent = "  " * self._depth
        self._output.add(f"{indent}Element: {name}\n")
        for key, value in attributes.items():
            self._output.add(f"{indent}  @{key}: {value}\n")
        self._depth += 1

    def _end(self, _: str) -> None:
        self._flush()
        self._depth -= 1

    def _flush(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        if text:
            self._output.add(f"{'  ' * self._depth}Text: {text}\n")

    @staticmethod
    def _entity(name: str, *_: object) -> None:
        raise refused(f"Invalid XML content: entity declarations are not allowed ({name[:40]})")


def _declared_encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    match = re.match(rb"(?:\xef\xbb\xbf)?\s{0,64}<\?xml[^>]{0,256}?encoding=[\"']([A-Za-z0-9._-]{1,40})", data)
    return match.group(1).decode("ascii") if match else ""
